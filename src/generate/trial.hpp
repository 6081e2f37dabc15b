#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "generate/example.hpp"
#include "generate/rule.hpp"
#include "schema/schema.hpp"

namespace callgate::generate {

/// The `arguments` of a rule as JSON text; empty where it has none.
std::string arguments_schema(const Rule& rule);

/// Tries a rule on calls, so that every clause that is written refuses a call
/// that would pass without it, and every test that is written holds.
class Trial {
 public:
  /// `own` is null where the tool has no schema.
  Trial(const schema::Schema* own, std::optional<Arguments> base) : own_(own), base_(std::move(base)) {}

  /// Takes out what changes nothing, or refuses what the tool's schema gives as
  /// its default or example; then writes the tests. A rule whose guards cannot
  /// be tried keeps only those of its modes.
  void run(Rule& rule, json::Value input_schema);

 private:
  bool own_takes(std::string_view arguments) const;
  bool holds(const Clause& clause, std::string_view value) const;
  bool fit_good(const Clause& clause);
  bool keeps(Clause& clause, json::Value input_schema);
  void close(Rule& rule) const;
  void add_tests(Rule& rule) const;
  void add_mode_tests(Rule& rule, const std::string& pointer) const;
  static policy::Verdict verdict_of(const Rule& rule, const Arguments& arguments);

  const schema::Schema* own_;
  std::optional<Arguments> base_;
};

}  // namespace callgate::generate
