#include "base/yaml_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/utf8.hpp"

namespace callgate::yaml {
namespace {

std::uint32_t characters(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(bytes, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// Code points that must not stand in a file as they are. Readers of YAML
/// differ on the line breaks; the direction marks make a line look like another.
std::string_view refused_character(std::uint32_t code) {
  if (code == 0x85 || code == 0x2028 || code == 0x2029) return "a line break that readers of YAML disagree on";
  if (code == 0xfeff) return "a byte order mark";
  if ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0x200e || code == 0x200f) {
    return "an invisible character that changes the direction of text";
  }
  if (code >= 0x80 && code <= 0x9f) return "a control character";
  return {};
}

/// Pre: `text` is UTF-8 and a character of two or three bytes starts at `i`.
std::uint32_t code_point(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i + k])); };
  if (byte(0) < 0xe0) return (byte(0) & 0x1f) << 6 | (byte(1) & 0x3f);
  return (byte(0) & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
}

Error refused(std::string message, std::string_view file, Mark mark) {
  return {ErrorKind::malformed, std::move(message), where(file, mark)};
}

bool looks_like_other_encoding(std::string_view text) {
  const auto starts = [&](std::string_view bytes) { return text.starts_with(bytes); };
  return starts("\xff\xfe") || starts("\xfe\xff") || (text.size() >= 2 && (text[0] == '\0' || text[1] == '\0'));
}

void check_characters(std::string_view text, const TextIndex& index, std::string_view file, std::vector<Error>& faults) {
  for (std::size_t i = 0; i < text.size() && faults.size() < 20; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) {
      faults.push_back(refused("a carriage return alone: end lines with a line feed", file, index.mark_at(i)));
    } else if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f) {
      faults.push_back(refused(
          fmt::format("control character U+{:04X}: remove it, or write it as an escape in double quotes", byte), file,
          index.mark_at(i)));
    } else if (byte >= 0xc2 && byte < 0xf0) {
      const std::uint32_t code = code_point(text, i);
      if (const std::string_view what = refused_character(code); !what.empty()) {
        faults.push_back(
            refused(fmt::format("{} (U+{:04X}): remove it, or write it as an escape in double quotes", what, code), file,
                    index.mark_at(i)));
      }
    }
  }
}

/// Directives (`%YAML`, `%TAG`) can only stand before the content.
void check_directive(std::string_view text, const TextIndex& index, std::string_view file, std::vector<Error>& faults) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first != std::string_view::npos && line[first] != '#') {
      if (line[0] == '%') faults.push_back(refused("directive " + ticked(line) + ": remove the line", file, index.mark_at(at)));
      return;
    }
    at = end + 1;
  }
}

}  // namespace

TextIndex::TextIndex(std::string_view text) : text_(text), starts_{0} {
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    starts_.push_back(at + 1);
  }
}

std::size_t TextIndex::offset(int line, int byte_column) const {
  if (line < 0 || byte_column < 0) return 0;
  const std::size_t row = std::min(static_cast<std::size_t>(line), starts_.size() - 1);
  const std::size_t end = row + 1 < starts_.size() ? starts_[row + 1] : text_.size();
  return std::min(starts_[row] + static_cast<std::size_t>(byte_column), end);
}

Mark TextIndex::mark(int line, int byte_column) const { return mark_at(offset(line, byte_column)); }

Mark TextIndex::mark_at(std::size_t offset) const {
  const auto row = static_cast<std::size_t>(std::ranges::upper_bound(starts_, offset) - starts_.begin() - 1);
  const bool on = counted_.line == row + 1 && counted_to_ <= offset;
  const std::size_t from = on ? counted_to_ : starts_[row];
  const std::uint32_t before = on ? counted_.column : 1;
  counted_ = {static_cast<std::uint32_t>(row + 1), before + characters(text_.substr(from, offset - from))};
  counted_to_ = offset;
  return counted_;
}

std::string_view TextIndex::line_text(std::uint32_t line) const {
  if (line == 0 || line > starts_.size()) return {};
  const std::size_t begin = starts_[line - 1];
  std::string_view found = text_.substr(begin, std::min(text_.find('\n', begin), text_.size()) - begin);
  if (found.ends_with('\r')) found.remove_suffix(1);
  found.remove_prefix(std::min(found.find_first_not_of(" \t"), found.size()));
  return found;
}

void check_text(std::string_view text, const TextIndex& index, std::string_view file, std::vector<Error>& faults) {
  if (text.starts_with("\xef\xbb\xbf")) {
    faults.push_back(refused("a byte order mark: save the file as UTF-8 without it", file, {}));
    return;
  }
  if (looks_like_other_encoding(text) || !is_utf8(text)) {
    faults.push_back(refused("not UTF-8: save the file as UTF-8", file, {}));
    return;
  }
  check_characters(text, index, file, faults);
  check_directive(text, index, file, faults);
}

Properties properties_at(std::string_view text, std::size_t offset) {
  Properties found{.content = std::min(offset, text.size())};
  while (found.content < text.size() && (text[found.content] == '!' || text[found.content] == '&')) {
    found.has_tag = found.has_tag || text[found.content] == '!';
    const bool bare = text[found.content] == '!';  // `![` is a tag and a list
    found.content = std::min(text.find_first_of(bare ? " \t\r\n[]{},\"'" : " \t\r\n", found.content + 1), text.size());
    found.content = std::min(text.find_first_not_of(" \t\r\n", found.content), text.size());
  }
  return found;
}

bool is_unclosed_quote(std::string_view text, std::size_t offset) {
  if (offset >= text.size()) return false;
  const char quote = text[offset];
  if (quote != '"' && quote != '\'') return false;
  for (std::size_t i = offset + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != '\'') return false;
      ++i;
    }
  }
  return true;
}

std::string explain_syntax(std::string_view message) {
  struct Row {
    std::string_view says;
    std::string_view remedy;
  };
  static constexpr std::array<Row, 12> rows = {{
      {"illegal map value", "a `:` that starts no value; quote the text if it holds `: `"},
      {"end of map not found", "a line does not fit the mapping above it; check its indentation and brackets"},
      {"end of sequence not found", "a list does not end; check its indentation"},
      {"end of sequence flow not found", "a `[` without its `]`, or a `,` missing"},
      {"end of map flow not found", "a `{` without its `}`, or a `,` missing"},
      {"tab", "a tab as indentation; use spaces"},
      {"unknown token", "a character that starts no value, such as `@`, a backtick, `%` or a tab; quote the text"},
      {"EOF in scalar", "a quote is not closed"},
      {"illegal block entry", "a `- ` where no list can start; check its indentation"},
      {"anchor not found after", "text that starts with `&` or `*` needs quotes"},
      {"anchor is not defined", "an alias without an anchor; text that starts with `*` needs quotes, as in `\"*\"`"},
      {"alias", "text that starts with `*` or `&` needs quotes, as in `\"*\"`"},
  }};
  for (const Row& row : rows) {
    if (message.find(row.says) != std::string_view::npos) return std::string(row.remedy);
  }
  return std::string(message);
}

}  // namespace callgate::yaml
