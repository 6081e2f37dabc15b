#include "schema/compiler.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "schema/pointer.hpp"

namespace callgate::schema {

const Compiler::Keyword* Compiler::find_keyword(std::string_view name, Dialect dialect) {
  using enum Keyword::In;
  static constexpr Keyword keywords[] = {
      {"$ref", &Compiler::reference},
      {"$dynamicRef", &Compiler::dynamic_reference, draft2020_12},
      {"$vocabulary", &Compiler::vocabulary, draft2020_12},
      {"type", &Compiler::type},
      {"const", &Compiler::constant},
      {"enum", &Compiler::enumeration},
      {"minimum", &Compiler::number_bound},
      {"maximum", &Compiler::number_bound},
      {"exclusiveMinimum", &Compiler::number_bound},
      {"exclusiveMaximum", &Compiler::number_bound},
      {"multipleOf", &Compiler::multiple_of},
      {"minLength", &Compiler::size_bound},
      {"maxLength", &Compiler::size_bound},
      {"pattern", &Compiler::pattern},
      {"minItems", &Compiler::size_bound},
      {"maxItems", &Compiler::size_bound},
      {"uniqueItems", &Compiler::unique_items},
      {"prefixItems", &Compiler::item_list, draft2020_12},
      {"items", &Compiler::items},
      {"additionalItems", &Compiler::additional_items, draft7},
      {"contains", &Compiler::contains},
      {"minContains", &Compiler::size_bound, draft2020_12},
      {"maxContains", &Compiler::size_bound, draft2020_12},
      {"minProperties", &Compiler::size_bound},
      {"maxProperties", &Compiler::size_bound},
      {"required", &Compiler::required},
      {"properties", &Compiler::properties},
      {"patternProperties", &Compiler::pattern_properties},
      {"additionalProperties", &Compiler::object_subschema},
      {"propertyNames", &Compiler::object_subschema},
      {"dependentRequired", &Compiler::dependencies, draft2020_12},
      {"dependentSchemas", &Compiler::dependencies, draft2020_12},
      // Not of 2020-12 itself, but its metaschema keeps it for older schemas.
      {"dependencies", &Compiler::dependencies},
      {"unevaluatedProperties", &Compiler::unevaluated, draft2020_12},
      {"unevaluatedItems", &Compiler::unevaluated, draft2020_12},
      {"allOf", &Compiler::branches},
      {"anyOf", &Compiler::branches},
      {"oneOf", &Compiler::branches},
      {"not", &Compiler::branch},
      {"if", &Compiler::branch},
      {"then", &Compiler::branch},
      {"else", &Compiler::branch},
  };
  const auto unwanted = dialect == Dialect::draft7 ? draft2020_12 : draft7;
  const auto* found = std::ranges::find(keywords, name, &Keyword::name);
  return found == std::end(keywords) || found->dialect == unwanted ? nullptr : found;
}

Compiler::Compiler(Program& program, Resources resources)
    : program_(program),
      resources_(std::move(resources)),
      root_(program.document->root()),
      block_of_(root_.document().nodes().size(), no_block) {}

std::vector<Error> Compiler::run() {
  // Of an unknown dialect nothing can be said.
  const bool dialects_known = std::ranges::none_of(resources_.faults(), [](const Error& fault) { return fault.kind == ErrorKind::unsupported; });
  const bool more_wanted = resources_.faults().size() < program_.options.max_faults;
  if (dialects_known && more_wanted) compile_all();
  faults_.insert(faults_.begin(), resources_.faults().begin(), resources_.faults().end());
  if (faults_.size() > program_.options.max_faults) faults_.resize(program_.options.max_faults);
  if (faults_.empty()) [[maybe_unused]] const bool more = note(check_cycles());
  return std::move(faults_);
}

void Compiler::compile_all() {
  if (auto first = subschema(root_, ""); !first) {
    faults_.push_back(std::move(first.error()));
    return;
  }
  // Grows while it is worked off; a loop, because a chain of references can be long.
  for (BlockId id = 0; id < program_.blocks.size() && faults_.size() < program_.options.max_faults; ++id) compile_subschema(id);
}

/// Keeps the fault if there is one; true while more of them are wanted.
bool Compiler::note(Result<void> done) {
  if (!done) faults_.push_back(std::move(done.error()));
  return faults_.size() < program_.options.max_faults;
}

void Compiler::compile_subschema(BlockId id) {
  schema_ = json::Value(&root_.document(), program_.blocks[id].node);
  block_ = std::move(program_.blocks[id]);
  property_index_.clear();
  dialect_ = resources_.of(schema_).dialect;
  if (schema_.is_boolean()) {
    block_.refuses_all = !schema_.boolean();
  } else if (const auto ref = schema_.find("$ref"); ref && dialect_ == Dialect::draft7) {
    apply("$ref", *ref);
  } else {
    std::string scratch;
    for (const json::Member member : schema_.members()) apply(member.key.string(scratch), member.value);
  }
  finish_object();
  program_.blocks[id] = std::move(block_);
}

void Compiler::apply(std::string_view name, json::Value value) {
  const Keyword* keyword = find_keyword(name, dialect_);
  if (keyword == nullptr || faults_.size() >= program_.options.max_faults) return;
  keyword_ = keyword->name;
  if (auto done = (this->*keyword->handler)(value); !done) faults_.push_back(std::move(done.error()));
}

void Compiler::finish_object() {
  if (!block_.object) return;
  ObjectRules& rules = *block_.object;
  std::ranges::sort(rules.properties, [](const Property& a, const Property& b) {
    return a.name.size() != b.name.size() ? a.name.size() < b.name.size() : a.name < b.name;
  });
  rules.required_count = static_cast<std::size_t>(std::ranges::count_if(rules.properties, &Property::required));
}

Result<void> Compiler::check_cycles() const {
  const auto cycle = find_cycle(program_);
  if (!cycle) return {};
  const json::Value at(&root_.document(), program_.blocks[*cycle].node);
  return fail(ErrorKind::invalid, "`$ref` leads back to itself on the same value, which no value can end",
              pointer_to(root_, at));
}

std::unexpected<Error> Compiler::wrong(json::Value value, std::string_view demand, ErrorKind kind) const {
  return fail(kind, fmt::format("`{}` {}", keyword_, demand), pointer_to(root_, value));
}

/// The block of a subschema; a new one is put on the work list.
Result<BlockId> Compiler::subschema(json::Value value, std::string_view applicator) {
  if (!value.is_object() && !value.is_boolean()) return wrong(value, "must hold a schema, an object or a boolean");
  BlockId& id = block_of_[value.index()];
  if (id != no_block) return id;
  if (program_.blocks.size() >= program_.options.max_subschemas) {
    return wrong(value, "is one subschema too many", ErrorKind::too_large);
  }
  id = static_cast<BlockId>(program_.blocks.size());
  program_.blocks.emplace_back();
  program_.blocks.back().node = value.index();
  program_.blocks.back().applicator = applicator;
  return id;
}

Result<std::vector<BlockId>> Compiler::subschemas(json::Value value) {
  if (!value.is_array()) return wrong(value, "must be an array of schemas");
  std::vector<BlockId> ids;
  ids.reserve(value.size());
  for (const json::Value each : value.elements()) {
    BlockId& id = ids.emplace_back(no_block);
    if (!note(into(id, each))) break;
  }
  return ids;
}

Result<void> Compiler::into(BlockId& slot, json::Value value) {
  const auto id = subschema(value, keyword_);
  if (!id) return std::unexpected(id.error());
  slot = *id;
  return {};
}

Result<const Pattern*> Compiler::expression(std::string_view text, json::Value where) {
  const auto known = patterns_.find(std::string(text));
  if (known != patterns_.end()) return known->second;
  if (patterns_.size() >= program_.options.max_patterns) {
    return wrong(where, "is one pattern too many", ErrorKind::too_large);
  }
  auto compiled = Pattern::compile(text);
  if (!compiled) {
    return wrong(where, fmt::format("cannot be used: {}", compiled.error().message), compiled.error().kind);
  }
  pattern_states_ += (*compiled)->states();
  if (pattern_states_ > program_.options.max_pattern_states) {
    return wrong(where, "needs too large an automaton together with the others", ErrorKind::too_large);
  }
  program_.patterns.push_back(std::move(*compiled));
  return patterns_[std::string(text)] = program_.patterns.back().get();
}

}  // namespace callgate::schema
