#include "mcp/tool_list.hpp"

#include <charconv>

#include <fmt/format.h>

#include "mcp/cut_array.hpp"
#include "mcp/keys.hpp"
#include "mcp/nul_names.hpp"
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
  if (const json::Value name = nul_in_names(item)) return refuse_value(shape.array, "must not hold member names with `\\u0000`", name);
  const auto key = item.find(shape.key);
  if (!key) return refuse_value(shape.key, "is missing", item);
  auto text = read_string(*key, shape.key);
  if (!text) return std::unexpected(std::move(text.error()));
  return ListItem{.key = std::move(*text), .definition = item};
}

/// The items of the page that stay, behind those of the pages before.
void add(CutArray& array, const ListPage& page, const Keep& keep) {
  for (const ListItem& item : page.items) {
    if (item.fault.empty() && keep(item)) array.keep(item.definition, item.definition.text());
    else array.leave(item.definition);
  }
}

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
  CutArray array(page.array);
  add(array, page, keep);
  return reframe(page, array.text(), id_text, cache, false);
}

std::string join_lists(std::span<const ListPage> pages, const Keep& keep, std::string_view id_text, CacheRule cache) {
  CutArray array(pages.front().array);
  add(array, pages.front(), keep);
  for (const ListPage& page : pages.subspan(1)) {
    array.go_on_in(page.array);
    add(array, page, keep);
  }
  return reframe(pages.front(), array.text(), id_text, cache, true);
}

}  // namespace callgate::mcp
