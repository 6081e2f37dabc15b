#include "mcp/tool_list.hpp"

#include <charconv>

#include <fmt/format.h>

#include "mcp/keys.hpp"
#include "mcp/read_value.hpp"
#include "mcp/splice.hpp"

namespace callgate::mcp {

namespace {

Result<void> refuse_twins(json::Value object, std::string_view name) {
  for (const auto [key, value] : object.members()) {
    if (is_case_twin(Text(key).view(), name))
      return refuse_value(name, "has a twin that differs only in case", key);
  }
  return {};
}

Result<ListItem> read_item(json::Value item, ListShape shape) {
  if (!item.is_object()) return refuse_value(shape.array, "must hold objects only", item);
  if (auto fine = refuse_twins(item, shape.key); !fine) return std::unexpected(std::move(fine.error()));
  const auto key = item.find(shape.key);
  if (!key) return refuse_value(shape.key, "is missing", item);
  auto text = read_string(*key, shape.key);
  if (!text) return std::unexpected(std::move(text.error()));
  return ListItem{.key = std::move(*text), .definition = item};
}

/// The array's text with the items of all pages that are kept.
class Array {
 public:
  Array(const ListPage& page, const Keep& keep) { add(page, keep); }

  void add(const ListPage& page, const Keep& keep) {
    const std::string_view bytes = page.message.bytes();
    std::size_t before = page.array.offset() + 1;  // end of the item before, or of the bracket
    for (const ListItem& item : page.items) {
      const std::size_t first = item.definition.offset();
      const std::string_view text = item.definition.text();
      if (item.fault.empty() && keep(item)) {
        // The bytes between two items hold their comma and the writer's white space.
        const std::string_view gap = bytes.substr(before, first - before);
        if (!empty_ && !gap.contains(',')) out_ += ',';
        out_ += empty_ && gap.contains(',') ? lead(gap) : gap;
        out_ += text;
        empty_ = false;
      }
      before = first + text.size();
    }
    tail_ = bytes.substr(before, page.array.offset() + page.array.text().size() - before);
  }

  std::string text() const { return fmt::format("[{}{}", out_, tail_); }

 private:
  static std::string_view lead(std::string_view gap) { return gap.substr(gap.find(',') + 1); }

  std::string out_;
  std::string_view tail_;  ///< from the last item to the closing bracket
  bool empty_ = true;
};

void add_cache_edits(json::Value result, CacheRule cache, std::string& ttl, std::vector<Edit>& edits) {
  if (const auto scope = result.find("cacheScope"); scope && cache.make_private)
    edits.push_back(replace(*scope, R"("private")"));
  const auto ttl_ms = result.find("ttlMs");
  if (!ttl_ms || !cache.max_ttl_ms) return;
  const auto now = ttl_ms->as_int64();
  if (now && *now >= 0 && static_cast<std::uint64_t>(*now) <= *cache.max_ttl_ms) return;
  ttl = fmt::format("{}", *cache.max_ttl_ms);
  edits.push_back(replace(*ttl_ms, ttl));
}

/// The page's message with another array, and what both functions change besides.
std::string reframe(const ListPage& page, const std::string& array, std::string_view id_text, CacheRule cache,
                    bool drop_cursor) {
  std::vector<Edit> edits{replace(page.array, array)};
  if (!id_text.empty() && page.message.id) edits.push_back(replace(page.message.id, id_text));
  std::string ttl;
  add_cache_edits(page.message.result, cache, ttl, edits);
  if (drop_cursor) {
    if (const auto edit = remove_member(page.message.result, "nextCursor")) edits.push_back(*edit);
  }
  return splice(page.message.bytes(), edits);
}

}  // namespace

std::optional<ListShape> list_shape(MethodId method) {
  switch (method) {
    case MethodId::tools_list: return tool_list;
    case MethodId::prompts_list: return prompt_list;
    case MethodId::resources_list: return resource_list;
    case MethodId::resources_templates_list: return template_list;
    case MethodId::tasks_list: return task_list;
    default: return std::nullopt;
  }
}

Result<ListPage> read_list_page(const Message& answer, ListShape shape) {
  if (!answer.result) return fail(ErrorKind::invalid, fmt::format("the server gave no list of {}", shape.array));
  for (const std::string_view name : {shape.array, std::string_view("nextCursor")}) {
    if (auto fine = refuse_twins(answer.result, name); !fine) return std::unexpected(std::move(fine.error()));
  }
  const auto array = answer.result.find(shape.array);
  if (!array || !array->is_array()) return refuse_value(shape.array, "must be an array", answer.result);

  ListPage page{.message = answer, .shape = shape, .array = *array, .items = {}, .next_cursor = std::nullopt};
  page.items.reserve(array->size());
  for (const json::Value each : array->elements()) {
    auto item = read_item(each, shape);
    page.items.push_back(item ? std::move(*item) : ListItem{.key = {}, .definition = each, .fault = std::move(item.error().message)});
  }
  if (const auto cursor = answer.result.find("nextCursor"); cursor && !cursor->is_null()) {
    auto text = read_string(*cursor, "nextCursor");
    if (!text) return std::unexpected(std::move(text.error()));
    page.next_cursor = std::move(*text);
  }
  return page;
}

std::string filter_list(const ListPage& page, const Keep& keep, std::string_view id_text, CacheRule cache) {
  return reframe(page, Array(page, keep).text(), id_text, cache, false);
}

std::string join_lists(std::span<const ListPage> pages, const Keep& keep, std::string_view id_text, CacheRule cache) {
  Array array(pages.front(), keep);
  for (const ListPage& page : pages.subspan(1)) array.add(page, keep);
  return reframe(pages.front(), array.text(), id_text, cache, true);
}

}  // namespace callgate::mcp
