#include "catalogue/attacks.hpp"

#include <algorithm>
#include <cassert>

#include "base/rows.hpp"
#include "catalogue/sentences.hpp"

namespace callgate::catalogue {
namespace {

std::vector<std::string_view> words(std::string_view column) {
  std::vector<std::string_view> all;
  while (!column.empty() && column != "-") {
    const std::size_t end = std::min(column.find(' '), column.size());
    all.push_back(column.substr(0, end));
    column.remove_prefix(std::min(end + 1, column.size()));
  }
  return all;
}

Attack attack_of(const Row& row) {
  Attack attack{.id = row.at(0), .name = row.at(1), .severity = classify::risk_of(row.at(2)).value_or(classify::Risk::high), .scope = row.at(3),
                .signals = words(row.at(5)), .happens = row.at(11), .answered_by = row.at(12)};
  for (const std::string_view word : words(row.at(4))) {
    if (const auto category = classify::category_of(word)) attack.categories.push_back(*category);
  }
  for (const std::size_t column : {6U, 7U, 8U, 9U, 10U}) {
    for (const std::string_view word : words(row.at(column))) attack.mappings.push_back(std::string(column < 9 ? "OWASP " : "") + std::string(word));
  }
  return attack;
}

std::vector<Attack> read_attacks() {
  std::vector<Attack> all;
  for (const Row& row : rows_of(text_of_table(built_in_tables(), "attacks"))) all.push_back(attack_of(row));
  for (const Row& row : rows_of(text_of_table(built_in_tables(), "references"))) {
    const auto found = std::ranges::find(all, row.at(0), &Attack::id);
    assert(found != all.end());
    if (found != all.end()) found->references.push_back({row.at(1), row.at(2), row.at(3)});
  }
  return all;
}

bool exploits(const Attack& attack, const classify::Classification& tool) {
  const auto is_one = [&](classify::Category category) { return attack.categories.empty() || std::ranges::find(attack.categories, category) != attack.categories.end(); };
  if (is_one(tool.category)) return true;
  return tool.modes && std::ranges::any_of(tool.modes->values, [&](const classify::Mode& mode) { return is_one(mode.category); });
}

bool is_signalled(const Attack& attack, const classify::Classification& tool) {
  return std::ranges::any_of(attack.signals, [&](std::string_view signal) { return std::ranges::find(tool.signals, signal) != tool.signals.end(); });
}

}  // namespace

std::span<const Attack> all_attacks() {
  static const std::vector<Attack> made = read_attacks();
  return made;
}

std::vector<const Attack*> attacks_on(const classify::Classification& tool) {
  std::vector<const Attack*> fitting;
  for (const Attack& attack : all_attacks()) {
    if (attack.scope == "tool" && exploits(attack, tool) && (attack.signals.empty() || is_signalled(attack, tool))) fitting.push_back(&attack);
  }
  std::ranges::sort(fitting, [](const Attack* a, const Attack* b) {
    if (a->severity != b->severity) return a->severity > b->severity;
    return a->signals.empty() != b->signals.empty() ? b->signals.empty() : a < b;  // else in the order of the table
  });
  return fitting;
}

std::vector<const Attack*> attacks_on_servers() {
  std::vector<const Attack*> all;
  for (const Attack& attack : all_attacks()) {
    if (attack.scope == "server") all.push_back(&attack);
  }
  std::ranges::sort(all, [](const Attack* a, const Attack* b) { return a->severity != b->severity ? a->severity > b->severity : a < b; });
  return all;
}

}  // namespace callgate::catalogue
