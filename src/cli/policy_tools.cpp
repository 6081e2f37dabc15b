#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/json.hpp"
#include "cli/kept_list.hpp"
#include "cli/policy_files.hpp"
#include "cli/tool_classes.hpp"
#include "config/environment.hpp"
#include "config/text_file.hpp"

/// Where `policy check`, `test` and `explain` learn of a server's tools.
namespace callgate::cli {
namespace {

using ReadTools = Result<std::optional<policy::ToolList>>;

ReadTools parse(std::string text, std::string_view from, ClassRules rules = {}) {
  Result<policy::ToolList> list = policy::ToolList::parse(std::move(text), listed_tool_classes(std::move(rules)));
  // Nothing can be said of the policy then, whatever is in it.
  if (!list) return fail(ErrorKind::unavailable, fmt::format("{} is no list of tools: {}", from, list.error().message));
  return std::optional(std::move(*list));
}

ReadTools from_file(const std::string& file) {
  Result<std::string> text = config::read_text(file);
  if (!text) return std::unexpected(text.error());
  return parse(std::move(*text), fmt::format("`{}`", file));
}

Result<std::filesystem::path> data_folder(const PolicyFlags& flags, const std::optional<config::Config>& config) {
  if (flags.data) return std::filesystem::path(*flags.data);
  if (config) return config->data;
  return config::default_data_folder(config::ProcessEnvironment());
}

ReadTools from_pins(const PolicyFlags& flags) {
  std::optional<config::Config> config;
  ClassRules rules;
  if (flags.config) {
    auto read = read_config_file(*flags.config, config::ProcessEnvironment());
    if (!read) return std::unexpected(read.error());
    auto found = class_rules_in(*read, *flags.config, *flags.server);
    if (!found) return std::unexpected(found.error());
    config = std::move(*read);
    rules = std::move(*found);
  }
  const auto data = data_folder(flags, config);
  if (!data) return std::unexpected(data.error());
  const auto list = kept_list(*data, *flags.server);
  if (!list) return std::unexpected(list.error());
  if (!config) {
    auto said = registered_rules(*data, *flags.server);
    if (!said) return std::unexpected(said.error());
    rules = std::move(*said);
  }
  return parse(fmt::format("{{\"server\":{},\"tools\":{}}}", json::quoted(*flags.server), pinned_array(*list)), fmt::format("what is pinned of `{}`", *flags.server),
               std::move(rules));
}

}  // namespace

ReadTools load_tools(const PolicyFlags& flags) {
  if (flags.tools) return from_file(*flags.tools);
  if (flags.server) return from_pins(flags);
  return std::nullopt;
}

}  // namespace callgate::cli
