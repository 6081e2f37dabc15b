#include "policy/report.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <tuple>
#include <utility>

namespace callgate::policy {
namespace {

std::uint32_t number(std::string_view text) {
  std::uint32_t value = 1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The place that `file:line:column` ends with.
yaml::Mark mark_of(std::string_view where) {
  const std::size_t column = where.rfind(':');
  if (column == std::string_view::npos || column == 0) return {};
  const std::size_t line = where.rfind(':', column - 1);
  if (line == std::string_view::npos) return {};
  return {number(where.substr(line + 1, column - line - 1)), number(where.substr(column + 1))};
}

}  // namespace

void Report::adopt(std::vector<Error> faults) {
  for (Error& fault : faults) {
    const yaml::Mark mark = mark_of(fault.where);
    faults_.push_back({mark, std::move(fault)});
  }
}

std::vector<Error> Report::in_order(std::vector<Entry>& entries) {
  // What stands later in a file is found first now and then; messages settle equal places.
  std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
    return std::tie(a.mark.line, a.mark.column, a.error.message) < std::tie(b.mark.line, b.mark.column, b.error.message);
  });
  std::vector<Error> errors;
  errors.reserve(entries.size());
  for (Entry& entry : entries) errors.push_back(std::move(entry.error));
  return errors;
}

}  // namespace callgate::policy
