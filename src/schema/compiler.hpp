#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "schema/program.hpp"
#include "schema/resources.hpp"

namespace callgate::schema {

/// Turns a schema text into a Program: a work list of subschemas that can be
/// reached, each read keyword by keyword. Used once.
class Compiler {
 public:
  Compiler(Program& program, Resources resources);
  /// Fills the program. Answers what is wrong with the schema, at most as many
  /// faults as its options say; errors as Schema::compile() says.
  std::vector<Error> run();

 private:
  using Handler = Result<void> (Compiler::*)(json::Value);
  struct Keyword {
    std::string_view name;
    Handler handler;
    enum class In : std::uint8_t { both, draft7, draft2020_12 } dialect = In::both;
  };
  static const Keyword* find_keyword(std::string_view name, Dialect dialect);

  void compile_all();
  void compile_subschema(BlockId id);
  void apply(std::string_view name, json::Value value);
  bool note(Result<void> done);
  void finish_object();
  Result<void> check_cycles() const;

  // Keywords, grouped as the specification groups them.
  Result<void> reference(json::Value value);
  Result<void> dynamic_reference(json::Value value);
  Result<void> vocabulary(json::Value value);
  Result<void> type(json::Value value);
  Result<void> constant(json::Value value);
  Result<void> enumeration(json::Value value);
  Result<void> number_bound(json::Value value);
  Result<void> multiple_of(json::Value value);
  Result<void> size_bound(json::Value value);
  Result<void> pattern(json::Value value);
  Result<void> unique_items(json::Value value);
  Result<void> items(json::Value value);
  Result<void> item_list(json::Value value);
  Result<void> additional_items(json::Value value);
  Result<void> contains(json::Value value);
  Result<void> required(json::Value value);
  Result<void> properties(json::Value value);
  Result<void> pattern_properties(json::Value value);
  Result<void> object_subschema(json::Value value);
  Result<void> dependencies(json::Value value);
  Result<void> unevaluated(json::Value value);
  Result<void> branches(json::Value value);
  Result<void> branch(json::Value value);

  Result<BlockId> subschema(json::Value value, std::string_view applicator);
  Result<std::vector<BlockId>> subschemas(json::Value value);
  Result<void> into(BlockId& slot, json::Value value);
  Result<std::vector<std::string>> names(json::Value value) const;
  Result<const Pattern*> expression(std::string_view text, json::Value where);
  Result<void> accept(ValueSet& set, json::Value value) const;
  Property& property(std::string_view name);
  std::unexpected<Error> wrong(json::Value value, std::string_view demand, ErrorKind kind = ErrorKind::invalid) const;

  template <class Rules>
  static Rules& need(std::unique_ptr<Rules>& rules) {
    if (!rules) rules = std::make_unique<Rules>();
    return *rules;
  }

  Program& program_;
  Resources resources_;
  json::Value root_;
  std::vector<BlockId> block_of_;  ///< by node
  std::unordered_map<std::string, const Pattern*> patterns_;
  std::size_t pattern_states_ = 0;
  std::vector<Error> faults_;

  // The subschema that is being read.
  json::Value schema_;
  Block block_;
  Dialect dialect_ = Dialect::draft2020_12;
  std::string_view keyword_;  ///< a static text
  std::unordered_map<std::string, std::size_t> property_index_;
};

/// A block from which the evaluation comes back to itself on the same value
/// (`{"$ref": "#"}`); nothing when there is none.
std::optional<BlockId> find_cycle(const Program& program);

}  // namespace callgate::schema
