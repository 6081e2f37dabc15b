#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "mcp/message.hpp"
#include "mcp/text.hpp"

/// The answers to tools/list, prompts/list, resources/list,
/// resources/templates/list and tasks/list: what they hold, and the same answers with some
/// items taken out. Every byte that is not part of a removed item stays.
/// Pure; any thread.
namespace callgate::mcp {

/// Where a list stands in the result, and what names an item.
struct ListShape {
  std::string_view array;
  std::string_view key;
};
inline constexpr ListShape tool_list{"tools", "name"};
inline constexpr ListShape prompt_list{"prompts", "name"};
inline constexpr ListShape resource_list{"resources", "uri"};
inline constexpr ListShape task_list{"tasks", "taskId"};
inline constexpr ListShape template_list{"resourceTemplates", "uriTemplate"};

/// The shape of the answers to this method, or nothing for other methods.
std::optional<ListShape> list_shape(MethodId method);

struct ListItem {
  Text key;                ///< decoded name or URI
  json::Value definition;  ///< the whole item; its text() is the span in the answer
  std::string fault{};     ///< why it has no name that can be relied on; such an item is in no list of ours
};

/// One answer. Points into the message's bytes.
struct ListPage {
  Message message;
  ListShape shape;
  json::Value array;
  std::vector<ListItem> items;      ///< in the order of the text
  std::optional<Text> next_cursor;  ///< an empty cursor is one; null stands for none
};

/// An item without its name, or with a key that another reader could take for the
/// name, has a `fault`: the others stay. Errors: `invalid` where the answer is an
/// error or is no list; a key that another reader could take for the list is refused.
Result<ListPage> read_list_page(const Message& answer, ListShape shape);

using Keep = std::function<bool(const ListItem&)>;

/// What a list says about caching once it depends on who asks (2026-07-28);
/// members that the answer lacks are not added.
struct CacheRule {
  bool make_private = false;                  ///< `cacheScope` becomes "private"
  std::optional<std::uint64_t> max_ttl_ms{};  ///< `ttlMs` is lowered to it
};

/// The answer without the items that `keep` refuses, which is not asked about those
/// with a fault: they go; cursor, order and all else
/// stay. The id becomes `id_text` unless that is empty.
std::string filter_list(const ListPage& page, const Keep& keep, std::string_view id_text = {}, CacheRule cache = {});

/// The items of all pages as one answer without cursor, in the frame of the
/// first page. Pre: at least one page.
std::string join_lists(std::span<const ListPage> pages, const Keep& keep, std::string_view id_text = {},
                       CacheRule cache = {});

}  // namespace callgate::mcp
