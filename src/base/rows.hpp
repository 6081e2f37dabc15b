#pragma once

#include <span>
#include <string_view>
#include <vector>

/// Tables that people edit (`data/`): one row a line, columns between tabs, `#`
/// begins a comment line, empty lines are passed over.
namespace callgate {

using Row = std::vector<std::string_view>;

/// The rows of a table's text, which must outlive them.
std::vector<Row> rows_of(std::string_view text);

/// A table that the build put into the program, by the name of its file without `.tsv`.
struct BuiltInTable {
  std::string_view name;
  std::string_view text;
};

/// Pre: there is such a table.
std::string_view text_of_table(std::span<const BuiltInTable> tables, std::string_view name);

}  // namespace callgate
