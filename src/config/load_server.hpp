#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "config/config.hpp"
#include "config/environment.hpp"
#include "config/fields.hpp"

namespace callgate::config {

/// What paths and expansions of a file are read against.
struct Surroundings {
  std::filesystem::path folder;
  const Environment& environment;

  std::filesystem::path path(std::string_view written) const { return (folder / written).lexically_normal(); }
};

/// One entry under `servers`. Faults go to the field's.
Server read_server(std::string name, const Field& field, const Surroundings& around);

/// `classes` of a server: what is said of single tools instead of the classifier.
std::vector<ClassOverride> read_classes(const Field& field);

/// A file that holds `classes` and nothing else, for servers that no callgate.yaml
/// names. Errors: as `read_text` of a file that its owner alone may write; `invalid`, with every fault a line.
Result<std::vector<ClassOverride>> read_classes_file(const std::filesystem::path& file);

/// Names stand in URLs and file names: [A-Za-z0-9_.-]{1,64}, not beginning with a dot.
bool is_server_name(std::string_view name);

/// Whether a header of this name may be sent to a server: a token (RFC 9110
/// section 5.6.2) that the gateway does not make itself. Error: `invalid` or
/// `refused`, with the reason.
Result<void> check_header_name(std::string_view name);

/// A header's value with its expansions done. A literal `Authorization` is
/// `refused`: files get copied and command lines are seen by others.
Result<Secret> read_header_value(std::string_view name, std::string_view written, const Surroundings& around);

}  // namespace callgate::config
