#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace callgate::config {

/// Where variables and files are read from; a fake one stands in tests.
class Environment {
 public:
  virtual ~Environment() = default;
  virtual std::optional<std::string> variable(std::string_view name) const = 0;
  virtual Result<std::string> file(const std::filesystem::path& path) const = 0;
};

/// The process's own.
class ProcessEnvironment final : public Environment {
 public:
  std::optional<std::string> variable(std::string_view name) const override;
  Result<std::string> file(const std::filesystem::path& path) const override;
};

/// Replaces `${env:NAME}` and `${file:PATH}`; one line end at the end of a file
/// is dropped. A dollar sign without a brace stands for itself. The result is a
/// secret, whatever it was made of. Relative paths start at `folder`.
/// Error: `invalid` or `not_found`, naming the variable or file and never a value.
Result<Secret> expand(std::string_view text, const std::filesystem::path& folder, const Environment& environment);

/// Whether the text holds an expansion at all.
bool has_expansion(std::string_view text);

/// The default of `--data`: $XDG_DATA_HOME/callgate,
/// else ~/.local/share/callgate; for a service its STATE_DIRECTORY (systemd.exec(5)).
Result<std::filesystem::path> default_data_folder(const Environment& environment);

}  // namespace callgate::config
