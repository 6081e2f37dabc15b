#pragma once

#include <optional>
#include <string_view>

#include "schema/marks.hpp"
#include "schema/program.hpp"

namespace callgate::schema {

/// One validation: walks program and instance together until the first failure
/// that counts, or the end of the budget. Used once.
class Evaluator {
 public:
  Evaluator(const Program& program, json::Value instance);

  std::optional<Failure> run();

 private:
  class Muted;  // failures inside a branch that may fail are not the answer

  // All answer whether the value is valid. `marks` collects what was evaluated
  // in the value, and is null where nobody asks.
  bool evaluate(BlockId id, json::Value value, Marks* marks);
  bool evaluate_container(const Block& block, json::Value value, Marks* marks);
  void mark_evaluated(const Block& block, json::Value value, const Marks& own, Marks& marks);
  bool check_type(const Block& block, json::Value value, json::Kind kind);
  bool check_values(const Block& block, json::Value value);
  bool check_number(const Block& block, json::Value value);
  bool check_string(const Block& block, json::Value value);
  bool check_object(const Block& block, json::Value value, Marks* marks);
  bool check_member(const Block& block, json::Value object, json::Member member, std::size_t i, Marks* marks,
                    std::size_t& required_seen);
  /// `name`: of the member, unescaped.
  bool check_named(const Block& block, json::Value object, json::Member member, std::string_view name, std::size_t i,
                   Marks* marks, std::size_t& required_seen);
  bool check_dependencies(const Block& block, const Property& property, json::Value object, Marks* marks);
  bool report_missing(const Block& block, json::Value object);
  bool check_array(const Block& block, json::Value value, Marks* marks);
  bool check_contains(const Block& block, json::Value value, Marks* marks);
  bool check_unique(const Block& block, json::Value value);
  bool check_unevaluated(const Block& block, json::Value value, const Marks& marks);
  bool check_combination(const Block& block, json::Value value, Marks* marks);
  bool check_any_of(const Block& block, json::Value value, Marks* marks);
  bool check_one_of(const Block& block, json::Value value, Marks* marks);
  bool check_condition(const Block& block, json::Value value, Marks* marks);
  /// Whether a branch holds; its marks count only if it does.
  bool try_branch(BlockId id, json::Value value, Marks* marks);
  bool matches(const Block& block, const Pattern& pattern, std::string_view text, json::Value value,
               std::string_view keyword);

  /// The value, paid for by its length; nothing when that ends the validation.
  std::optional<Decimal> read_number(const Block& block, json::Value value);
  std::optional<std::string_view> read_string(const Block& block, json::Value value, std::string& scratch);

  bool spend(std::size_t steps, const Block& block, json::Value value);
  bool failed(const Block& block, json::Value value, std::string_view keyword, std::string_view property = {});
  /// Ends the whole validation: neither "valid" nor its opposite can be told.
  bool give_up(const Block& block, json::Value value, std::string_view keyword);
  void record(const Block& block, json::Value value, std::string_view keyword, std::string_view property);

  const Program& program_;
  json::Value instance_;
  std::int64_t steps_left_;
  std::uint32_t nesting_ = 0;
  std::uint32_t muted_ = 0;
  bool gave_up_ = false;
  std::optional<Failure> failure_;
};

class Evaluator::Muted {
 public:
  explicit Muted(Evaluator& evaluator) : evaluator_(evaluator) { ++evaluator_.muted_; }
  ~Muted() { --evaluator_.muted_; }
  Muted(const Muted&) = delete;
  Muted& operator=(const Muted&) = delete;

 private:
  Evaluator& evaluator_;
};

}  // namespace callgate::schema
