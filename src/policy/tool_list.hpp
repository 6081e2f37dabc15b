#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "cel/type.hpp"
#include "policy/decision.hpp"

namespace callgate::policy {

/// A tool of a saved list, with its own schema compiled.
struct KnownTool {
  std::string name;
  std::shared_ptr<const schema::Schema> input_schema;  ///< null where it has none or it did not compile
  std::string schema_fault;  ///< why it did not compile
  cel::Type arguments;       ///< what that schema says of them
  ToolClass is;
};

/// The tools of one server, as a file holds them: what `check`, `test` and
/// `explain` know of a server that does not run. A value.
class ToolList {
 public:
  /// Reads `{"server": ..., "tools": [...]}`, a `tools/list` result, or its whole
  /// answer (`{"result": {"tools": [...]}}`), or the array alone. Entries that the gate knows no tool by,
  /// without a name or of a name that stands there twice, are left out. Errors name
  /// the member; that not one entry has a name is one.
  /// `classes_of` says what the tools are; without it that is not known of any.
  static Result<ToolList> parse(std::string json, const ClassesOf& classes_of = {});

  const std::vector<KnownTool>& tools() const { return tools_; }
  const std::vector<std::string>& left_out() const { return left_out_; }  ///< one sentence each
  const KnownTool* find(std::string_view name) const;
  ToolFacts facts(std::string_view name) const;

 private:
  std::string server_;  ///< as the file names it; may be empty
  std::vector<KnownTool> tools_;
  std::vector<std::string> left_out_;
  std::unordered_map<std::string, std::size_t> by_name_;
};

}  // namespace callgate::policy
