#include "base/rows.hpp"

#include <algorithm>
#include <cassert>

namespace callgate {

std::vector<Row> rows_of(std::string_view text) {
  std::vector<Row> rows;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    Row& row = rows.emplace_back();
    for (std::size_t tab = line.find('\t'); tab != std::string_view::npos; tab = line.find('\t')) {
      row.push_back(line.substr(0, tab));
      line.remove_prefix(tab + 1);
    }
    row.push_back(line);
  }
  return rows;
}

std::string_view text_of_table(std::span<const BuiltInTable> tables, std::string_view name) {
  const auto found = std::ranges::find(tables, name, &BuiltInTable::name);
  assert(found != tables.end());
  return found == tables.end() ? std::string_view{} : found->text;
}

}  // namespace callgate
