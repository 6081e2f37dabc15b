#include "catalogue/sentences.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <span>
#include <unordered_map>

namespace callgate::catalogue {
namespace {

constexpr std::array tables = std::to_array<BuiltInTable>({
#include CALLGATE_CATALOGUE_TABLES
});

const std::unordered_map<std::string_view, std::string_view>& sentences() {
  static const auto made = [] {
    std::unordered_map<std::string_view, std::string_view> all;
    for (const Row& row : rows_of(text_of_table(tables, "sentences"))) all.emplace(row.at(0), row.at(1));
    return all;
  }();
  return made;
}

}  // namespace

std::span<const BuiltInTable> built_in_tables() { return tables; }

bool can_say(std::string_view id) { return sentences().contains(id); }

Line say(std::string_view id, std::initializer_list<Filling> fillings) {
  const auto found = sentences().find(id);
  assert(found != sentences().end());
  Line line;
  if (found == sentences().end()) return line;
  std::string_view rest = found->second;
  while (!rest.empty()) {
    const std::size_t open = std::min(rest.find('{'), rest.size());
    if (open > 0) line.push_back(text(rest.substr(0, open)));
    rest.remove_prefix(open);
    if (rest.empty()) break;
    const std::size_t close = std::min(rest.find('}'), rest.size() - 1);
    const auto filled = std::ranges::find(fillings, rest.substr(1, close - 1), &Filling::first);
    assert(filled != fillings.end());
    if (filled != fillings.end()) line.push_back(filled->second);
    rest.remove_prefix(close + 1);
  }
  return line;
}

std::string plain(const Line& line) {
  std::string out;
  for (const Inline& each : line) {
    const bool marks = each.kind == Inline::Kind::quote;
    out += marks ? "\"" + each.text + "\"" : each.text;
  }
  return out;
}

std::string_view article(std::string_view word) {
  constexpr std::string_view vowels = "AEIOUaeiou";
  return !word.empty() && vowels.find(word.front()) != std::string_view::npos ? "an" : "a";
}

std::string count_of(std::size_t count, std::string_view singular) { return fmt::format("{} {}{}", count, singular, count == 1 ? "" : "s"); }

std::string listed(const std::vector<std::string>& names, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) out += fmt::format("{}{}", i == 0 ? "" : i + 1 == names.size() ? fmt::format(" {} ", last) : ", ", names[i]);
  return out;
}

Line say_with(std::string_view id, std::string_view gap, const Line& filling) {
  const Line pattern = say(id, {{gap, Inline{Inline::Kind::badge, {}, {}}}});
  Line line;
  for (const Inline& each : pattern) {
    if (each.kind == Inline::Kind::badge) {
      line.insert(line.end(), filling.begin(), filling.end());
    } else {
      line.push_back(each);
    }
  }
  return line;
}

}  // namespace callgate::catalogue
