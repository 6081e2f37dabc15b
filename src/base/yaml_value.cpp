#include <algorithm>
#include <array>
#include <cstdlib>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/letters.hpp"
#include "base/yaml.hpp"

namespace callgate::yaml {
namespace {

std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

std::size_t skip_sign(std::string_view text, std::size_t at) {
  return at < text.size() && (text[at] == '-' || text[at] == '+') ? at + 1 : at;
}

/// RFC 8259 section 6.
bool is_json_number(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t whole = at;
  at = skip_digits(text, at);
  if (at == whole || (text[whole] == '0' && at > whole + 1)) return false;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = at + 1;
    at = skip_digits(text, fraction);
    if (at == fraction) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const std::size_t exponent = skip_sign(text, at + 1);
    at = skip_digits(text, exponent);
    if (at == exponent) return false;
  }
  return at == text.size();
}

bool all_of(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

/// `1:30`, `190:20:30.15`: numbers to base 60 in YAML 1.1. An address with a
/// port, `127.0.0.1:8808`, is none: there the point comes last.
bool is_sexagesimal(std::string_view text) {
  std::size_t at = text.find_first_not_of("0123456789_");
  while (at < text.size() && text[at] == ':') {
    const std::size_t end = skip_digits(text, at + 1);
    if (end == at + 1 || end > at + 3) return false;
    at = end;
  }
  return at == text.size() || (text[at] == '.' && text.find_first_not_of("0123456789_", at + 1) == std::string_view::npos);
}

/// A number to some reader of YAML 1.1 or 1.2: other bases, underscores, a
/// leading zero or point, sexagesimals.
bool is_number_to_somebody(std::string_view text) {
  text.remove_prefix(skip_sign(text, 0));
  if (text.starts_with("0x") || text.starts_with("0X")) return all_of(text.substr(2), "0123456789abcdefABCDEF_");
  if (text.starts_with("0o") || text.starts_with("0O")) return all_of(text.substr(2), "01234567_");
  if (text.starts_with("0b") || text.starts_with("0B")) return all_of(text.substr(2), "01_");
  if (text.empty() || (!is_digit(text[0]) && !(text[0] == '.' && text.size() > 1 && is_digit(text[1])))) return false;

  if (text.find(':') != std::string_view::npos) return is_sexagesimal(text);
  std::size_t at = std::min(text.find_first_not_of("0123456789_"), text.size());
  if (at < text.size() && text[at] == '.') at = std::min(text.find_first_not_of("0123456789_", at + 1), text.size());
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const std::size_t exponent = skip_sign(text, at + 1);
    at = skip_digits(text, exponent);
    if (at == exponent) return false;
  }
  return at == text.size();
}

/// Words that some readers turn into a boolean, null or a float.
bool is_loose_word(std::string_view text) {
  static constexpr std::array<std::string_view, 9> words = {"yes", "no", "on", "off", "true", "false", "null", ".inf", ".nan"};
  if (text.starts_with("-.") || text.starts_with("+.")) text.remove_prefix(1);
  return std::ranges::any_of(words, [&](std::string_view word) {
    return text.size() == word.size() && std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) {
             return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
           });
  });
}

void append_json(std::string& out, const Node& node, std::string_view file, std::vector<Error>& faults);

void append_scalar(std::string& out, const Node& node, std::string_view file, std::vector<Error>& faults) {
  switch (node.type()) {
    case Type::null: out += "null"; return;
    case Type::boolean:
    case Type::number: out += node.text; return;
    case Type::text: json::append_quoted(out, node.text); return;
    case Type::ambiguous: break;
  }
  faults.push_back({ErrorKind::invalid,
                    fmt::format("{} is read differently by different readers: write it in quotes if it is text, else as "
                                "`true`, `false`, `null` or a plain decimal number",
                                ticked(node.text)),
                    where(file, node.mark)});
  out += "null";
}

void append_json(std::string& out, const Node& node, std::string_view file, std::vector<Error>& faults) {
  if (node.is_sequence()) {
    out += '[';
    for (const Node& item : node.items) {
      if (&item != &node.items.front()) out += ',';
      append_json(out, item, file, faults);
    }
    out += ']';
  } else if (node.is_mapping()) {
    out += '{';
    for (const Member& member : node.members) {
      if (&member != &node.members.front()) out += ',';
      json::append_quoted(out, member.key);
      out += ':';
      append_json(out, member.value, file, faults);
    }
    out += '}';
  } else {
    append_scalar(out, node, file, faults);
  }
}

/// One reference token of a JSON Pointer, unescaped (RFC 6901 section 4).
std::string unescaped_token(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const bool escape = token[i] == '~' && i + 1 < token.size();
    if (escape && token[i + 1] == '0') out += '~', ++i;
    else if (escape && token[i + 1] == '1') out += '/', ++i;
    else out += token[i];
  }
  return out;
}

const Node* child(const Node& node, const std::string& token) {
  if (const Member* member = node.find(token)) return &member->value;
  if (!node.is_sequence() || !all_of(token, "0123456789") || token.size() > 9) return nullptr;
  const std::size_t index = std::strtoul(token.c_str(), nullptr, 10);
  return index < node.items.size() ? &node.items[index] : nullptr;
}

}  // namespace

std::string where(std::string_view file, Mark mark) { return fmt::format("{}:{}:{}", file, mark.line, mark.column); }

Type Node::type() const {
  if (is_null()) return Type::null;
  if (quoted) return Type::text;
  if (text == "true" || text == "false") return Type::boolean;
  if (is_json_number(text)) return Type::number;
  if (is_loose_word(text) || is_number_to_somebody(text)) return Type::ambiguous;
  return Type::text;
}

const Member* Node::find(std::string_view key) const {
  const auto found = std::ranges::find(members, key, &Member::key);
  return found == members.end() ? nullptr : &*found;
}

std::string to_json(const Node& node, std::string_view file, std::vector<Error>& faults) {
  std::string out;
  append_json(out, node, file, faults);
  return out;
}

const Node& at_pointer(const Node& node, std::string_view pointer) {
  const Node* at = &node;
  while (pointer.starts_with('/')) {
    pointer.remove_prefix(1);
    const std::size_t end = std::min(pointer.find('/'), pointer.size());
    const Node* below = child(*at, unescaped_token(pointer.substr(0, end)));
    if (below == nullptr) break;
    at = below;
    pointer.remove_prefix(end);
  }
  return *at;
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case Kind::null: return "nothing";
    case Kind::sequence: return "a list";
    case Kind::mapping: return "a mapping";
    case Kind::scalar: break;
  }
  return ticked(node.text);
}

std::string ticked(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::size_t size = std::min(text.size(), longest);
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  std::string out = "`";
  for (const char c : text.substr(0, size)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  out += size < text.size() ? "...`" : "`";
  return out;
}

}  // namespace callgate::yaml
