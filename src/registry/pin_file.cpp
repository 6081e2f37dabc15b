#include "registry/pin_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "base/suggest.hpp"
#include "config/address.hpp"
#include "registry/fingerprint.hpp"
#include "registry/names.hpp"

namespace callgate::registry {
namespace {

/// Reads with the file's name in every message.
struct Reader {
  std::string_view file;

  std::unexpected<Error> invalid(std::string message) const {
    return fail(ErrorKind::invalid, std::move(message), std::string(file));
  }

  Result<void> only(json::Value object, std::string_view what, std::span<const std::string_view> keys) const {
    for (const json::Member& member : object.members()) {
      const std::string key = member.key.string();
      if (std::ranges::find(keys, key) != keys.end()) continue;
      return invalid(fmt::format("unknown member `{}` in {}{}", key, what, did_you_mean(key, keys)));
    }
    return {};
  }

  Result<std::optional<std::string>> text(json::Value object, std::string_view key) const {
    const auto value = object.find(key);
    if (!value) return std::nullopt;
    if (!value->is_string()) return invalid(fmt::format("`{}` must be a text", key));
    return value->string();
  }

  Result<std::vector<store::Definition>> definitions(json::Value list) const {
    const auto tools = list.find("tools");
    if (!tools || !tools->is_array()) return invalid("each entry of `lists` needs `tools`, a list of tool definitions");
    std::vector<store::Definition> found;
    for (const json::Value tool : tools->elements()) {
      const auto name = tool.find("name");
      if (!name || !name->is_string() || !is_tool_name(name->string())) {
        return invalid("each of `tools` must be a tool's definition with a `name` of [A-Za-z0-9_.-]{1,128}");
      }
      found.push_back({.tool = name->string(), .fingerprint = fingerprint(tool), .text = std::string(tool.text())});
    }
    std::ranges::sort(found, {}, &store::Definition::tool);
    const auto twice = std::ranges::adjacent_find(found, {}, &store::Definition::tool);
    if (twice != found.end()) return invalid(fmt::format("tool `{}` stands twice in one list; keep the right one", twice->tool));
    return found;
  }
};

/// Appends JSON with two blanks for each level, members in the order of the text.
void append_indented(std::string& out, json::Value value, std::size_t depth) {
  const std::string indent(2 * (depth + 1), ' ');
  if ((!value.is_object() && !value.is_array()) || value.size() == 0) {
    out += value.text();
    return;
  }
  const bool object = value.is_object();
  out += object ? '{' : '[';
  bool first = true;
  const auto line = [&] {
    out += first ? "\n" : ",\n";
    out += indent;
    first = false;
  };
  if (object) {
    for (const json::Member& member : value.members()) {
      line();
      out.append(member.key.text()).append(": ");
      append_indented(out, member.value, depth + 1);
    }
  } else {
    for (const json::Value element : value.elements()) {
      line();
      append_indented(out, element, depth + 1);
    }
  }
  out.append("\n").append(2 * depth, ' ') += object ? '}' : ']';
}

}  // namespace

Result<PinFile> PinFile::parse(std::string_view text, std::string_view file) {
  static constexpr std::array<std::string_view, 3> file_keys{"callgate_pins", "server", "lists"};
  static constexpr std::array<std::string_view, 3> list_keys{"address", "era", "tools"};
  const Reader reader{file};
  const auto document = json::OwnedDocument::parse(std::string(text), definition_limits);
  if (!document) {
    return fail(document.error().kind, document.error().message, fmt::format("{}: {}", file, document.error().where));
  }
  const json::Value root = (*document)->root();
  if (!root.is_object()) return reader.invalid("a pins file is one JSON object; make it with `callgate server pin NAME --write FILE`");
  const auto version = root.find("callgate_pins");
  if (!version || version->as_int64() != 1) return reader.invalid("`\"callgate_pins\": 1` is missing");
  if (auto known = reader.only(root, "the file", file_keys); !known) return std::unexpected(known.error());

  PinFile pins;
  auto server = reader.text(root, "server");
  if (!server) return std::unexpected(server.error());
  pins.server_ = std::move(*server).value_or("");
  const auto lists = root.find("lists");
  if (!lists || !lists->is_array()) return reader.invalid("`lists` is missing; it holds the reviewed lists of tools");
  for (const json::Value list : lists->elements()) {
    if (!list.is_object()) return reader.invalid("each entry of `lists` must be an object with `tools`");
    if (auto known = reader.only(list, "an entry of `lists`", list_keys); !known) return std::unexpected(known.error());
    auto address = reader.text(list, "address");
    if (!address) return std::unexpected(address.error());
    auto era = reader.text(list, "era");
    if (!era) return std::unexpected(era.error());
    auto definitions = reader.definitions(list);
    if (!definitions) return std::unexpected(definitions.error());
    pins.lists_.push_back({std::move(*address), std::move(*era), std::move(*definitions)});
  }
  return pins;
}

/// Whatever the list's era.
bool PinFile::is_of(const List& list, const store::ListKey& key) const {
  if (!server_.empty() && server_ != key.server) return false;
  // A file that was written with a credential in its address still holds, also for another one.
  return !list.address || *list.address == key.address || config::shown_address(*list.address) == key.address;
}

const PinFile::List* PinFile::find(const store::ListKey& key) const {
  const auto found = std::ranges::find_if(lists_, [&](const List& list) { return is_of(list, key) && (!list.era || *list.era == key.era); });
  return found == lists_.end() ? nullptr : &*found;
}

std::span<const store::Definition> PinFile::definitions(const store::ListKey& key) const {
  const List* list = find(key);
  return list == nullptr ? std::span<const store::Definition>() : list->definitions;
}

std::vector<store::Definition> PinFile::definitions_of_other_eras(const store::ListKey& key) const {
  std::vector<store::Definition> found;
  for (const List& list : lists_) {
    if (is_of(list, key) && list.era && *list.era != key.era) found.insert(found.end(), list.definitions.begin(), list.definitions.end());
  }
  return found;
}

std::string pin_file_text(std::string_view server, std::span<const PinnedLists> lists) {
  std::string text = fmt::format("{{\n  \"callgate_pins\": 1,\n  \"server\": {},\n  \"lists\": [", json::quoted(server));
  bool first_list = true;
  for (const PinnedLists& list : lists) {
    text += fmt::format("{}\n    {{\n      \"address\": {},\n      \"era\": {},\n      \"tools\": [", first_list ? "" : ",",
                        json::quoted(list.key.address), json::quoted(list.key.era));
    first_list = false;
    bool first_tool = true;
    for (const store::Definition& each : list.definitions) {
      const auto document = json::OwnedDocument::parse(each.text, definition_limits);
      if (!document) continue;  // was read before it was stored
      text += first_tool ? "\n        " : ",\n        ";
      first_tool = false;
      append_indented(text, (*document)->root(), 4);
    }
    text += first_tool ? "]\n    }" : "\n      ]\n    }";
  }
  return text + (first_list ? "]\n}\n" : "\n  ]\n}\n");
}

}  // namespace callgate::registry
