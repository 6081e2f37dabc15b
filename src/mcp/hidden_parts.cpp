#include "mcp/hidden_parts.hpp"

#include <algorithm>
#include <deque>
#include <vector>

#include <fmt/format.h>

#include "mcp/cut_array.hpp"
#include "mcp/splice.hpp"

namespace callgate::mcp {

namespace {

/// Longer words of an error are not searched: they count as naming something.
constexpr std::size_t most_searched = 64 * 1024;

constexpr std::string_view left_out_words = "The server refused this. Its own words are left out.";
constexpr std::string_view left_out_error = R"({"type":"text","text":"The server refused this. Its own words are left out."})";
constexpr std::string_view left_out_resource = R"({"type":"text","text":"A resource was left out here."})";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_of_word(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; }

/// Whether the word goes on across this place: `next` is what stands there, `beyond` what follows it.
bool goes_on(char own, std::string_view next, std::string_view beyond) {
  if (next.empty() || !is_of_word(own)) return false;
  if (is_of_word(next.front())) return true;
  return next.front() == '-' && !beyond.empty() && is_of_word(beyond.front());
}

std::string_view at_most_one(std::string_view text, std::size_t at) { return at < text.size() ? text.substr(at, 1) : std::string_view(); }

/// Whether no word goes on across the place in front of this byte, or behind the byte in front of this place.
bool begins_word(std::string_view text, std::size_t at) {
  return !goes_on(text[at], at > 0 ? text.substr(at - 1, 1) : std::string_view(), at > 1 ? text.substr(at - 2, 1) : std::string_view());
}
bool ends_word(std::string_view text, std::size_t end) { return !goes_on(text[end - 1], at_most_one(text, end), at_most_one(text, end + 1)); }

/// What stands in the place of an element; the element's own text keeps it, nothing takes it out.
using Change = std::function<std::optional<std::string_view>(json::Value)>;

class Cutting {
 public:
  explicit Cutting(const HiddenNames& hidden) : hidden_(hidden) {}

  void error(json::Value error) {
    if (!names_hidden(error)) return;
    const auto code = error.find("code");
    put(error, texts_.emplace_back(fmt::format(R"({{"code":{},"message":"{}"}})", code ? code->text() : std::string_view("-32603"), left_out_words)));
  }

  void result(json::Value result) {
    own_parts(result);
    // A task that is over has what its call would have answered.
    if (const auto inner = object(result, "result")) own_parts(*inner);
    if (const auto failed = object(result, "error")) error(*failed);
  }

  std::optional<std::string> done(std::string_view bytes) const {
    if (edits_.empty()) return std::nullopt;
    return splice(bytes, edits_);
  }

 private:
  static std::optional<json::Value> object(json::Value of, std::string_view key) {
    const auto found = of.find(key);
    return found && found->is_object() ? found : std::nullopt;
  }
  static std::optional<json::Value> array(json::Value of, std::string_view key) {
    const auto found = of.find(key);
    return found && found->is_array() ? found : std::nullopt;
  }

  void own_parts(json::Value result) {
    const auto failed = result.find("isError");
    const bool is_error = failed && failed->is_boolean() && failed->boolean();
    if (const auto content = array(result, "content")) blocks(*content, is_error);
    const auto structured = is_error ? result.find("structuredContent") : std::nullopt;
    if (structured && names_hidden(*structured)) {
      if (const auto gone = remove_member(result, "structuredContent")) edits_.push_back(*gone);
    }
    if (const auto messages = array(result, "messages")) {
      for (const json::Value message : messages->elements()) prompt_message(message);
    }
    if (const auto contents = array(result, "contents")) blocks(*contents, false);
    if (const auto completion = object(result, "completion")) values(*completion);
  }

  bool is_hidden_address(std::optional<json::Value> uri) const {
    return hidden_.resource && uri && uri->is_string() && hidden_.resource(uri->string());
  }
  /// A link has its address itself, an embedded resource one level below.
  bool is_hidden_block(json::Value block) const {
    if (!block.is_object()) return false;
    if (is_hidden_address(block.find("uri"))) return true;
    const auto resource = object(block, "resource");
    return resource && is_hidden_address(resource->find("uri"));
  }

  bool names_hidden(json::Value value) const {
    if (!hidden_.text) return false;
    if (value.text().size() > most_searched) return true;
    std::string scratch;
    const json::Document& document = value.document();
    for (std::uint32_t at = value.index(); at < value.node().next; ++at) {
      const json::Value each(&document, at);
      if (each.is_string() && hidden_.text(each.string(scratch))) return true;
    }
    return false;
  }

  void blocks(json::Value content, bool is_error) {
    change(content, [&](json::Value block) -> std::optional<std::string_view> {
      if (is_hidden_block(block)) return std::nullopt;
      return is_error && names_hidden(block) ? left_out_error : block.text();
    });
  }

  void prompt_message(json::Value message) {
    const auto content = message.find("content");
    if (!content) return;
    if (content->is_array()) blocks(*content, false);
    else if (is_hidden_block(*content)) put(*content, left_out_resource);
  }

  void values(json::Value completion) {
    const auto all = array(completion, "values");
    if (!all || !hidden_.value) return;
    std::int64_t gone = 0;
    change(*all, [&](json::Value value) -> std::optional<std::string_view> {
      if (!value.is_string() || !hidden_.value(value.string())) return value.text();
      ++gone;
      return std::nullopt;
    });
    const auto total = completion.find("total");
    const auto count = total ? total->as_int64() : std::nullopt;
    if (gone > 0 && count) put(*total, texts_.emplace_back(fmt::format("{}", std::max<std::int64_t>(*count - gone, 0))));
  }

  void put(json::Value value, std::string_view text) { edits_.push_back(replace(value, text)); }

  void change(json::Value array, const Change& change_element) {
    CutArray cut(array);
    bool same = true;
    for (const json::Value element : array.elements()) {
      const auto stays = change_element(element);
      if (stays) cut.keep(element, *stays);
      else cut.leave(element);
      same = same && stays && stays->data() == element.text().data();
    }
    if (!same) put(array, texts_.emplace_back(cut.text()));
  }

  const HiddenNames& hidden_;
  std::vector<Edit> edits_;
  std::deque<std::string> texts_;  ///< that edits point to
};

bool ends_address(char c) { return static_cast<unsigned char>(c) <= ' ' || std::string_view("\"'`<>()[]{}|,").contains(c); }

}  // namespace

bool may_hold_addresses(std::string_view answer) {
  // Letters may be written as escapes; `u`, `r` and `i` are the only ones that matter.
  return answer.contains(R"("uri")") || answer.contains(R"(\u006)") || answer.contains(R"(\u007)");
}

std::optional<std::string> without_hidden(const Message& answer, const HiddenNames& hidden) {
  Cutting cutting(hidden);
  if (answer.error) cutting.error(answer.error);
  if (answer.result) cutting.result(answer.result);
  // News of a task say in their params what its answer says.
  if (answer.is_notification() && answer.params) cutting.result(answer.params);
  return cutting.done(answer.bytes());
}

std::string without_instructions(const Message& answer) {
  const auto gone = answer.result ? remove_member(answer.result, "instructions") : std::nullopt;
  return gone ? splice(answer.bytes(), std::span(&*gone, 1)) : std::string(answer.bytes());
}

bool holds_name(std::string_view text, const NameShape& shape, const std::function<bool(std::string_view name)>& is_one, Steps& steps) {
  for (std::size_t begin = 0; begin < text.size(); ++begin) {
    if (!steps.take(1)) return true;
    if (!shape.may_hold(text[begin]) || !begins_word(text, begin)) continue;
    const std::size_t last = std::min(text.size(), begin + shape.longest());
    for (std::size_t end = begin + 1; end <= last && shape.may_hold(text[end - 1]); ++end) {
      if (!steps.take(1)) return true;
      if (!ends_word(text, end)) continue;
      const std::string_view part = text.substr(begin, end - begin);
      if (!steps.take(8 + part.size() / 4) || is_one(part)) return true;
    }
  }
  return false;
}

bool has_scheme(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon < 2 || colon + 1 == text.size() || !is_letter(text.front())) return false;
  return std::ranges::all_of(text.substr(0, colon), [](char c) { return (is_of_word(c) && c != '_') || c == '+' || c == '-' || c == '.'; });
}

bool holds_address(std::string_view text, const std::function<bool(std::string_view uri)>& is_one, Steps& steps) {
  /// To read and judge an address takes as long as looking at so many bytes.
  constexpr std::size_t to_judge = 256;
  const auto is_hidden = [&](std::string_view word) { return has_scheme(word) && (!steps.take(to_judge + word.size()) || is_one(word)); };
  while (!text.empty()) {
    const auto end = static_cast<std::size_t>(std::ranges::find_if(text, ends_address) - text.begin());
    const std::string_view word = text.substr(0, end);
    if (!steps.take(1 + end) || is_hidden(word)) return true;
    const std::size_t bare = word.find_last_not_of(".;:!?");
    if (bare != std::string_view::npos && bare + 1 != word.size()) {
      if (is_hidden(word.substr(0, bare + 1))) return true;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

std::string filled_template(std::string_view uri_template, std::string_view name, std::string_view value) {
  std::string filled;
  while (!uri_template.empty()) {
    const std::size_t open = uri_template.find('{');
    filled += uri_template.substr(0, open);
    if (open == std::string_view::npos) break;
    const std::size_t close = uri_template.find('}', open);
    if (close == std::string_view::npos) return {};
    std::string_view variable = uri_template.substr(open + 1, close - open - 1);
    if (variable.starts_with('+')) variable.remove_prefix(1);
    if (variable != name) return {};
    filled += value;
    uri_template.remove_prefix(close + 1);
  }
  return filled;
}

}  // namespace callgate::mcp
