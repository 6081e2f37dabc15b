#include "schema/evaluator.hpp"

#include <algorithm>
#include <array>

#include "schema/pointer.hpp"

namespace callgate::schema {
namespace {

/// By kind. A table, since every value of every call is looked up in it.
constexpr auto bit_of_kind = [] {
  std::array<std::uint8_t, 6> bits{};
  const auto set = [&](json::Kind kind, TypeBit bit) { bits[static_cast<std::size_t>(kind)] = bit; };
  set(json::Kind::null, type_null);
  set(json::Kind::boolean, type_boolean);
  set(json::Kind::number, type_number);
  set(json::Kind::string, type_string);
  set(json::Kind::array, type_array);
  set(json::Kind::object, type_object);
  return bits;
}();

}  // namespace

Evaluator::Evaluator(const Program& program, json::Value instance) : program_(program), instance_(instance) {
  const CompileOptions& options = program.options;
  const auto bytes = static_cast<std::int64_t>(instance.text().size());
  steps_left_ = std::min(options.max_steps, options.base_steps + options.steps_per_byte * bytes);
}

std::optional<Failure> Evaluator::run() {
  const bool valid = evaluate(0, instance_, nullptr);
  if (valid && !gave_up_) return std::nullopt;
  return std::move(failure_);
}

bool Evaluator::evaluate(BlockId id, json::Value value, Marks* marks) {
  const Block& block = program_.blocks[id];
  if (!spend(1, block, value)) return false;
  if (block.refuses_all) return failed(block, value, {});
  const json::Kind kind = value.kind();
  if (!check_type(block, value, kind)) return failed(block, value, "type");
  if (!block.values.empty() && !check_values(block, value)) return false;
  if (nesting_ >= program_.options.max_nesting) return give_up(block, value, "limit");

  ++nesting_;
  bool valid = true;
  switch (kind) {
    case json::Kind::number:
      valid = !block.number || check_number(block, value);
      break;
    case json::Kind::string:
      valid = !block.string || check_string(block, value);
      break;
    case json::Kind::array:
    case json::Kind::object:
      --nesting_;
      return evaluate_container(block, value, marks);
    default:
      break;
  }
  valid = valid && (!block.combination || check_combination(block, value, nullptr));
  --nesting_;
  return valid;
}

bool Evaluator::evaluate_container(const Block& block, json::Value value, Marks* marks) {
  ++nesting_;
  const auto check = [&](Marks* into) {
    const bool own = value.is_object() ? !block.object || check_object(block, value, into)
                                       : !block.array || check_array(block, value, into);
    return own && (!block.combination || check_combination(block, value, into));
  };
  bool valid = false;
  if (block.marks) {
    Marks own(value.size());
    valid = spend(value.size() / 64, block, value) && check(&own) && check_unevaluated(block, value, own);
    // What is left over was either refused or evaluated by `unevaluated…` itself.
    if (valid && marks != nullptr) mark_evaluated(block, value, own, *marks);
  } else {
    valid = check(marks);
  }
  --nesting_;
  return valid;
}

void Evaluator::mark_evaluated(const Block& block, json::Value value, const Marks& own, Marks& marks) {
  marks.add(own);
  const bool all = value.is_object() ? block.object && block.object->unevaluated != no_block
                                     : block.array && block.array->unevaluated != no_block;
  for (std::size_t i = 0; all && i < value.size(); ++i) marks.set(i);
}

bool Evaluator::check_type(const Block& block, json::Value value, json::Kind kind) {
  if ((block.types & bit_of_kind[static_cast<std::size_t>(kind)]) != 0) return true;
  if ((block.types & type_integer) == 0 || kind != json::Kind::number) return false;
  if (value.is_integer()) return true;
  const auto number = read_number(block, value);  // 1.0 is an integer too
  return number && number->is_integer();
}

std::optional<Decimal> Evaluator::read_number(const Block& block, json::Value value) {
  const std::string_view text = value.text();
  if (!spend(text.size() / 64, block, value)) return std::nullopt;
  auto number = Decimal::parse(text);
  if (!number) give_up(block, value, "limit");
  return number;
}

std::optional<std::string_view> Evaluator::read_string(const Block& block, json::Value value, std::string& scratch) {
  if (value.has_escapes() && !spend(value.raw_string().size() / 64, block, value)) return std::nullopt;
  return value.string(scratch);
}

bool Evaluator::check_combination(const Block& block, json::Value value, Marks* marks) {
  const Combination& combination = *block.combination;
  if (combination.reference != no_block && !evaluate(combination.reference, value, marks)) return false;
  for (const BlockId id : combination.all_of) {
    if (!evaluate(id, value, marks)) return false;
  }
  if (!combination.any_of.empty() && !check_any_of(block, value, marks)) return false;
  if (!combination.one_of.empty() && !check_one_of(block, value, marks)) return false;
  if (combination.negated != no_block && try_branch(combination.negated, value, nullptr)) {
    return failed(block, value, "not");
  }
  return combination.condition == no_block || check_condition(block, value, marks);
}

bool Evaluator::try_branch(BlockId id, json::Value value, Marks* marks) {
  const Muted muted(*this);
  if (marks == nullptr) return evaluate(id, value, nullptr);
  Marks own(value.size());
  if (!evaluate(id, value, &own)) return false;
  marks->add(own);
  return true;
}

bool Evaluator::check_any_of(const Block& block, json::Value value, Marks* marks) {
  bool any = false;
  for (const BlockId id : block.combination->any_of) {
    any = try_branch(id, value, marks) || any;
    if (any && marks == nullptr) return true;  // else every branch that holds has marks to give
  }
  return any || failed(block, value, "anyOf");
}

bool Evaluator::check_one_of(const Block& block, json::Value value, Marks* marks) {
  std::size_t held = 0;
  for (const BlockId id : block.combination->one_of) {
    if (try_branch(id, value, marks) && ++held > 1) break;
  }
  return held == 1 || failed(block, value, "oneOf");
}

bool Evaluator::check_condition(const Block& block, json::Value value, Marks* marks) {
  const Combination& combination = *block.combination;
  const bool holds = try_branch(combination.condition, value, marks);
  if (gave_up_) return false;
  const BlockId next = holds ? combination.consequence : combination.alternative;
  return next == no_block || evaluate(next, value, marks);
}

bool Evaluator::matches(const Block& block, const Pattern& pattern, std::string_view text, json::Value value,
                        std::string_view keyword) {
  if (text.size() > program_.options.max_pattern_input) return give_up(block, value, keyword);
  return spend(pattern.cost(text.size()), block, value) && pattern.search(text);
}

bool Evaluator::spend(std::size_t steps, const Block& block, json::Value value) {
  if (gave_up_) return false;
  steps_left_ -= static_cast<std::int64_t>(steps);
  return steps_left_ >= 0 || give_up(block, value, "limit");
}

bool Evaluator::failed(const Block& block, json::Value value, std::string_view keyword, std::string_view property) {
  if (!gave_up_ && muted_ == 0) record(block, value, keyword, property);
  return false;
}

bool Evaluator::give_up(const Block& block, json::Value value, std::string_view keyword) {
  if (!gave_up_) record(block, value, keyword, {});
  gave_up_ = true;
  return false;
}

void Evaluator::record(const Block& block, json::Value value, std::string_view keyword, std::string_view property) {
  const json::Value root = program_.document->root();
  Failure failure;
  failure.path = pointer_to(instance_, value);
  failure.schema_path = pointer_to(root, json::Value(&root.document(), block.node));
  // The schema `false` has no keyword of its own but the one it stands under.
  failure.keyword = keyword.empty() ? block.applicator : keyword;
  if (!keyword.empty() && keyword != "limit") append_token(failure.schema_path, keyword);
  failure.property = property;
  failure_ = std::move(failure);
}

}  // namespace callgate::schema
