// An expression, byte 0, arguments: parsing, checking and evaluating end, within bounds, for any bytes.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "cel/expression.hpp"

using namespace callgate;
using namespace callgate::cel;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

Scope scope(Type args) {
  Type risk{.kinds = bit(Kind::text), .words = {"Low", "High"}};
  return {.variables = {{"args", std::move(args)}, {"tool.name", {.kinds = bit(Kind::text)}}, {"tool.risk", risk}}, .later_variables = {"now"}};
}

/// The type that fits a value exactly.
Type type_of(json::Value value) {
  Type type{.kinds = bit(Value::document(value).kind())};
  if (value.is_object()) {
    type.knows_fields = true;
    for (const json::Member member : value.members()) type.fields.push_back({member.key.string(), type_of(member.value), true});
  }
  return type;
}

void evaluate(const Expression& expression, json::Value args) {
  const std::vector<Value> variables = {Value::document(args), Value::text("t"), Value::fault({})};
  Budget budget{.steps = 20'000};
  const Value first = expression.evaluate(variables, budget);
  Budget again{.steps = 20'000};
  const Value second = expression.evaluate(variables, again);
  must(first.kind() == second.kind() && budget.steps == again.steps);
  must(first.is_fault() || first.truth() == second.truth());
  if (first.is_fault()) must(!expression.describe(first.fault()).empty());
  Budget why{.steps = 20'000};
  must(!expression.why(variables, why).empty());

  // With the type of these very arguments: what has no fault meets no wrong kind, and misses nothing that it warned of not.
  const Findings findings = expression.check(scope(type_of(args)));
  for (const Notice& each : findings.faults) must(each.at <= expression.text().size() && !each.message.empty());
  if (!findings.faults.empty() || !first.is_fault()) return;
  const Reason reason = first.fault().reason;
  if (reason == Reason::absent) must(expression.names_read().any || !findings.warnings.empty() || expression.text().find('[') != std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = text.find('\0');
  const std::string source(text.substr(0, cut));
  const Scope open = scope({.kinds = bit(Kind::map)});
  const auto expression = Expression::parse(source, open);
  if (!expression) {
    must(expression.error().at <= source.size() && !expression.error().message.empty());
    return 0;
  }
  for (const Notice& each : expression->check(open).faults) must(each.at <= source.size() && !each.message.empty());
  // The normal form is that of itself, and so is what it reads.
  const auto normal = Expression::parse(expression->normal(), open);
  if (normal) must(normal->normal() == expression->normal() && normal->names_read().names == expression->names_read().names);
  (void)expression->always();
  json::Document args;
  if (cut == std::string_view::npos || !json::parse(text.substr(cut + 1), {}, args) || !args.root().is_object()) return 0;
  evaluate(*expression, args.root());
  return 0;
}
