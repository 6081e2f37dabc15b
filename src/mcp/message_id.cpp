#include <string>

#include "mcp/message.hpp"
#include "mcp/read_value.hpp"

namespace callgate::mcp {

namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// Walks the members of the outermost object by brackets and quotes alone.
class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text) {}

  std::optional<std::string_view> find_id() {
    skip_space();
    if (!take('{')) return std::nullopt;
    std::optional<std::string_view> id;
    for (;;) {
      skip_space();
      if (take('}')) return id;
      const std::string_view key = string();
      skip_space();
      if (key.empty() || !take(':')) return std::nullopt;
      skip_space();
      const std::string_view value = this->value();
      if (value.empty()) return std::nullopt;
      if (key == "\"id\"") {
        if (id) return std::nullopt;  // two ids: neither can be trusted to be the caller's
        id = value;
      }
      skip_space();
      if (!take(',') && (at_ == text_.size() || text_[at_] != '}')) return std::nullopt;
    }
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  /// A string with its quotes; empty where none stands or ends.
  std::string_view string() {
    const std::size_t first = at_;
    if (!take('"')) return {};
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size()) return {};
    ++at_;
    return text_.substr(first, at_ - first);
  }
  std::string_view value() {
    const std::size_t first = at_;
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        if (string().empty()) return {};
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if (depth == 0 && (c == ',' || c == '}' || c == ']' || is_space(c))) break;
      if (c == '}' || c == ']') --depth;
      ++at_;
    }
    return text_.substr(first, at_ - first);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::string_view> salvage_id(std::string_view bytes) {
  const auto id = Walk(bytes).find_id();
  // The text goes into our answer, so it is read by the strict reader first; as
  // it is only repeated, its range does not matter.
  json::Document document;
  if (!id || id->size() > max_id_bytes + 2 || !json::parse(*id, {.check_number_range = false}, document))
    return std::nullopt;
  if (!is_token(document.root())) return std::nullopt;
  return id;
}

bool same_id(std::string_view a, std::string_view b) {
  if (a == b) return true;
  // Integers have one spelling each but for zero; strings may differ in their escapes.
  const auto is_zero = [](std::string_view text) { return text == "0" || text == "-0"; };
  if (is_zero(a) && is_zero(b)) return true;
  if (!a.starts_with('"') || !b.starts_with('"') || !(a.contains('\\') || b.contains('\\'))) return false;
  json::Document left;
  json::Document right;
  if (!json::parse(a, {}, left) || !json::parse(b, {}, right)) return false;
  return left.root().is_string() && right.root().is_string() && left.root().string() == right.root().string();
}

}  // namespace callgate::mcp
