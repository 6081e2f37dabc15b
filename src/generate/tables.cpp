#include "generate/tables.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>

#include "base/rows.hpp"

namespace callgate::generate {
namespace {

constexpr std::size_t risks = 4;

constexpr std::array built_in_tables = std::to_array<BuiltInTable>({
#include CALLGATE_GENERATE_TABLES
});

std::size_t index_of(classify::Category category, classify::Risk risk) { return static_cast<std::size_t>(category) * risks + static_cast<std::size_t>(risk); }

std::string_view filled(std::string_view column) { return column == "-" ? std::string_view{} : column; }

std::uint64_t number(std::string_view digits) {
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::chrono::seconds window(std::string_view text) {
  const std::uint64_t count = number(text);
  return std::chrono::seconds(text.ends_with('h') ? count * 3600 : count);
}

Start start_of(const Row& row) {
  Start start{.action = policy::verdict_of(row.at(2)).value_or(policy::Verdict::deny), .reason = filled(row.at(6))};
  if (row.at(3) != "-") start.limit = Limit{.max = number(row.at(3)), .window = window(row.at(4)), .why = std::string(row.at(5))};
  return start;
}

char lower_letter(char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c); }

}  // namespace

std::string last_word(std::string_view name) {
  std::size_t first = name.size();
  while (first > 0) {
    const char c = name[first - 1];
    if (c == '_' || c == '-' || c == '.' || c == ' ') break;
    --first;
    if (c >= 'A' && c <= 'Z' && first > 0 && name[first - 1] >= 'a' && name[first - 1] <= 'z') break;
  }
  std::string word(name.substr(first));
  std::ranges::transform(word, word.begin(), lower_letter);
  return word;
}

const Tables& Tables::built_in() {
  static const Tables made;
  return made;
}

Tables::Tables() : starts_(5 * risks) {
  for (const Row& row : rows_of(text_of_table(built_in_tables, "actions"))) {
    const auto category = classify::category_of(row.at(0));
    const auto risk = classify::risk_of(row.at(1));
    assert(category && risk);
    starts_[index_of(*category, *risk)] = start_of(row);
  }
  for (const Row& row : rows_of(text_of_table(built_in_tables, "signals"))) signals_.push_back({row.at(0), row.at(1), row.at(2)});
  for (const Row& row : rows_of(text_of_table(built_in_tables, "arguments"))) {
    for (std::string_view words = row.at(1); !words.empty();) {
      const std::size_t end = std::min(words.find(' '), words.size());
      kinds_[words.substr(0, end)].push_back(row.at(0));
      words.remove_prefix(std::min(end + 1, words.size()));
    }
  }
  for (const Row& row : rows_of(text_of_table(built_in_tables, "safer"))) safer_.push_back(row.at(0));
}

const Start& Tables::start(classify::Category category, classify::Risk risk) const { return starts_[index_of(category, risk)]; }

bool Tables::is_kind(std::string_view argument, std::string_view kind) const {
  const auto found = kinds_.find(last_word(argument));
  return found != kinds_.end() && std::ranges::find(found->second, kind) != found->second.end();
}

std::optional<std::string_view> Tables::after_safer_verb(std::string_view name) const {
  for (const std::string_view verb : safer_) {
    if (name.starts_with(verb) && name.size() > verb.size() + 1 && (name[verb.size()] == '_' || name[verb.size()] == '-')) return name.substr(verb.size() + 1);
  }
  return std::nullopt;
}

}  // namespace callgate::generate
