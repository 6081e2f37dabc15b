#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/yaml.hpp"

/// The text of a YAML file before its grammar counts; used by yaml.cpp alone.
namespace callgate::yaml {

/// Where lines begin, so that a place is counted in characters and not in bytes.
/// For one thread: it remembers where it counted last.
class TextIndex {
 public:
  explicit TextIndex(std::string_view text);

  Mark mark(int line, int byte_column) const;  ///< from yaml-cpp's mark, which counts bytes from 0
  Mark mark_at(std::size_t offset) const;
  std::string_view line_text(std::uint32_t line) const;  ///< without leading blanks; line counts from 1
  std::size_t offset(int line, int byte_column) const;   ///< of yaml-cpp's mark in the text
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
  std::vector<std::size_t> starts_;
  // Marks come in the order of the text: counting on from the last one keeps a
  // file of one long line linear.
  mutable std::size_t counted_to_ = 0;
  mutable Mark counted_;
};

/// Refuses texts that are not plain UTF-8 lines: other encodings, control
/// characters (one of them ends the input of yaml-cpp), invisible characters that
/// reorder text, directives.
void check_text(std::string_view text, const TextIndex& index, std::string_view file, std::vector<Error>& faults);

/// What stands at `offset`, where yaml-cpp saw a value begin: its anchor and tag,
/// which it mostly does not report, and where the value itself begins.
struct Properties {
  bool has_tag = false;
  std::size_t content = 0;
};
Properties properties_at(std::string_view text, std::size_t offset);

/// Is the scalar that starts at `offset` in quotes that never close? yaml-cpp
/// takes the end of the file for the end of the quote.
bool is_unclosed_quote(std::string_view text, std::size_t offset);

/// What yaml-cpp says of a syntax fault, as a sentence with a remedy.
std::string explain_syntax(std::string_view message);

}  // namespace callgate::yaml
