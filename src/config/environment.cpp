#include "config/environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "config/text_file.hpp"

namespace callgate::config {
namespace {

constexpr std::size_t max_secret_bytes = 64 * 1024;

struct Expansion {
  bool from_file = false;
  std::string_view source;  ///< a variable's name or a path
};

/// What stands between `${` and `}`.
Result<Expansion> read_expansion(std::string_view inside) {
  const auto unknown = [&] {
    return fail(ErrorKind::invalid, fmt::format("`${{{}}}` is not known; write `${{env:NAME}}` or `${{file:PATH}}`", inside));
  };
  Expansion expansion;
  if (inside.starts_with("env:")) {
    expansion.source = inside.substr(4);
  } else if (inside.starts_with("file:")) {
    expansion.source = inside.substr(5);
    expansion.from_file = true;
  } else {
    return unknown();
  }
  if (expansion.source.empty()) return unknown();
  return expansion;
}

Result<std::string> value_of(const Expansion& expansion, const std::filesystem::path& folder, const Environment& environment) {
  if (!expansion.from_file) {
    auto value = environment.variable(expansion.source);
    if (!value) {
      return fail(ErrorKind::not_found, fmt::format("the environment variable `{}` is not set", expansion.source));
    }
    return std::move(*value);
  }
  auto text = environment.file(folder / std::filesystem::path(expansion.source));
  if (!text) return text;
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  return text;
}

}  // namespace

std::optional<std::string> ProcessEnvironment::variable(std::string_view name) const {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

Result<std::string> ProcessEnvironment::file(const std::filesystem::path& path) const {
  return read_text(path, Writers::anybody, max_secret_bytes);
}

bool has_expansion(std::string_view text) { return text.contains("${"); }

Result<Secret> expand(std::string_view text, const std::filesystem::path& folder, const Environment& environment) {
  std::string out;
  for (std::size_t begin = text.find("${"); begin != std::string_view::npos; begin = text.find("${")) {
    out += text.substr(0, begin);
    text.remove_prefix(begin + 2);
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos) return fail(ErrorKind::invalid, "a `${` has no `}` behind it");
    const auto expansion = read_expansion(text.substr(0, end));
    if (!expansion) return std::unexpected(expansion.error());
    const auto value = value_of(*expansion, folder, environment);
    if (!value) return std::unexpected(value.error());
    out += *value;
    text.remove_prefix(end + 1);
  }
  out += text;
  return Secret(std::move(out));
}

Result<std::filesystem::path> default_data_folder(const Environment& environment) {
  const auto given = [&](std::string_view name) { return environment.variable(name).value_or(""); };
  // The XDG specification has relative paths ignored.
  if (const std::string folder = given("STATE_DIRECTORY"); folder.starts_with('/')) {
    return std::filesystem::path(folder.substr(0, folder.find(':')));
  }
  if (const std::string folder = given("XDG_DATA_HOME"); folder.starts_with('/')) return std::filesystem::path(folder) / "callgate";
  if (const std::string home = given("HOME"); home.starts_with('/')) {
    return std::filesystem::path(home) / ".local/share/callgate";
  }
  return fail(ErrorKind::invalid, "neither XDG_DATA_HOME nor HOME is set; name a folder with `--data`");
}

}  // namespace callgate::config
