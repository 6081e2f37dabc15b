#include <algorithm>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "base/json.hpp"
#include "cli/policy_files.hpp"
#include "cli/tool_classes.hpp"
#include "config/environment.hpp"
#include "config/text_file.hpp"
#include "store/store.hpp"

/// Where `policy check`, `test` and `explain` learn of a server's tools.
namespace callgate::cli {
namespace {

using Tools = Result<std::optional<policy::ToolList>>;

Tools parse(std::string text, std::string_view from) {
  Result<policy::ToolList> list = policy::ToolList::parse(std::move(text), listed_tool_classes());
  // Nothing can be said of the policy then, whatever is in it.
  if (!list) return fail(ErrorKind::unavailable, fmt::format("{} is no list of tools: {}", from, list.error().message));
  return std::optional(std::move(*list));
}

Tools from_file(const std::string& file) {
  Result<std::string> text = config::read_text(file);
  if (!text) return std::unexpected(text.error());
  return parse(std::move(*text), fmt::format("`{}`", file));
}

Result<std::filesystem::path> data_folder(const PolicyFlags& flags) {
  if (flags.data) return std::filesystem::path(*flags.data);
  return config::default_data_folder(config::ProcessEnvironment());
}

std::unexpected<Error> not_pinned(const std::string& server, const std::filesystem::path& data) {
  return fail(ErrorKind::unavailable,
              fmt::format("no tools of a server `{}` are pinned in `{}`; start a gateway before it once, or save its list of tools and give "
                          "it by `--tools FILE`",
                          server, data.string()));
}

std::int64_t pinned_at(const std::vector<store::Definition>& list) {
  return list.empty() ? 0 : std::ranges::max(list, {}, &store::Definition::time_ms).time_ms;
}

/// The list that was pinned last: a server that moved has older ones beside it.
/// Of two eras pinned at once the legacy one, which every client can speak.
Result<std::vector<store::Definition>> pinned_tools(store::Store& store, const std::string& server) {
  auto keys = store.pins().lists(server);
  if (!keys) return std::unexpected(keys.error());
  std::ranges::sort(*keys, {}, &store::ListKey::era);  // `legacy` before `modern`
  std::vector<store::Definition> chosen;
  for (const store::ListKey& key : *keys) {
    auto list = store.pins().find(key);
    if (!list) return std::unexpected(list.error());
    if (*list && pinned_at((*list)->pinned) > pinned_at(chosen)) chosen = std::move((*list)->pinned);
  }
  return chosen;
}

Tools from_pins(const PolicyFlags& flags) {
  const auto data = data_folder(flags);
  if (!data) return std::unexpected(data.error());
  std::error_code problem;
  // Opening would make the folder; a check changes nothing.
  if (!std::filesystem::exists(*data / "callgate.db", problem)) return not_pinned(*flags.server, *data);
  const auto store = store::open(*data, {.busy = std::chrono::seconds(5)});
  if (!store) return std::unexpected(store.error());
  const auto pinned = pinned_tools(**store, *flags.server);
  if (!pinned) return std::unexpected(pinned.error());
  if (pinned->empty()) return not_pinned(*flags.server, *data);
  std::string text = fmt::format("{{\"server\":{},\"tools\":[", json::quoted(*flags.server));
  for (const store::Definition& each : *pinned) text += (text.ends_with('[') ? "" : ",") + each.text;
  return parse(text + "]}", fmt::format("what is pinned of `{}`", *flags.server));
}

}  // namespace

Tools load_tools(const PolicyFlags& flags) {
  if (flags.tools) return from_file(*flags.tools);
  if (flags.server) return from_pins(flags);
  return std::nullopt;
}

}  // namespace callgate::cli
