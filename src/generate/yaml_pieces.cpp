#include "generate/yaml_pieces.hpp"

#include <algorithm>

#include "generate/yaml_writer.hpp"

namespace callgate::generate {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

std::size_t indent_of(std::string_view line) { return std::min(line.find_first_not_of(' '), line.size()); }

bool says_nothing(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos || line[first] == '#';
}

std::string joined(std::vector<std::string_view>::const_iterator first, std::vector<std::string_view>::const_iterator last) {
  std::string text;
  for (; first != last; ++first) text += *first;
  return text;
}

/// Where an entry begins.
struct PieceStart {
  std::string key;
  yaml::Mark mark;
};

std::vector<PieceStart> starts_of(const yaml::Node& node) {
  std::vector<PieceStart> starts;
  for (const yaml::Member& each : node.members) starts.push_back({each.key, each.key_mark});
  for (const yaml::Node& each : node.items) starts.push_back({{}, each.mark});
  return starts;
}

/// Whether what stands before the entry on its line belongs to its block form.
bool begins_a_line(std::string_view line, const PieceStart& start, bool list) {
  std::size_t at = indent_of(line);
  if (list) {
    if (at >= line.size() || line[at] != '-') return false;
    at = line.find_first_not_of(' ', at + 1);
  }
  return at != std::string_view::npos && at + 1 == start.mark.column;
}

}  // namespace

YamlPieces::Piece* YamlPieces::find(std::string_view key) {
  const auto found = std::ranges::find(entries, key, &Piece::key);
  return found == entries.end() ? nullptr : &*found;
}

std::string YamlPieces::text() const {
  std::string all = head;
  for (const Piece& each : entries) {
    if (!all.empty() && all.back() != '\n') all += '\n';
    all += each.text;
  }
  if (!all.empty() && all.back() != '\n') all += '\n';
  return all + tail;
}

std::optional<YamlPieces> yaml_pieces(std::string_view text, const yaml::Node& node, std::size_t first_line) {
  const std::vector<std::string_view> lines = lines_of(text);
  const std::vector<PieceStart> starts = starts_of(node);
  if (starts.empty()) return std::nullopt;
  YamlPieces pieces;
  std::size_t before = 0;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::size_t line = starts[i].mark.line;
    if (line < first_line || line - first_line >= lines.size() || (i > 0 && line <= before)) return std::nullopt;
    const std::string_view words = lines[line - first_line];
    if (!begins_a_line(words, starts[i], node.is_sequence())) return std::nullopt;
    if (i > 0 && indent_of(words) != pieces.indent) return std::nullopt;
    pieces.indent = indent_of(words);
    before = line;
  }
  std::size_t end = lines.size();
  while (end > 0 && says_nothing(lines[end - 1]) && (lines[end - 1].find_first_not_of(" \t\r\n") == std::string_view::npos || indent_of(lines[end - 1]) < pieces.indent)) --end;
  const auto at = [&](std::size_t i) { return lines.begin() + static_cast<std::ptrdiff_t>(i < starts.size() ? starts[i].mark.line - first_line : end); };
  pieces.head = joined(lines.begin(), at(0));
  for (std::size_t i = 0; i < starts.size(); ++i) pieces.entries.push_back({starts[i].key, joined(at(i), at(i + 1))});
  pieces.tail = joined(at(starts.size()), lines.end());
  return pieces;
}

std::string json_of(const yaml::Node& node) {
  std::vector<Error> faults;
  std::string text = yaml::to_json(node, "policy", faults);
  return faults.empty() ? text : std::string();
}

std::string yaml_flow(const yaml::Node& node) {
  const std::string text = json_of(node);
  return text.empty() ? text : yaml_flow(std::string_view(text));
}

}  // namespace callgate::generate
