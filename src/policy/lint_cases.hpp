#pragma once

#include <set>
#include <utility>

#include "base/yaml.hpp"
#include "policy/program.hpp"
#include "policy/report.hpp"
#include "policy/tool_list.hpp"

namespace callgate::policy {

/// Holds the conditions of rules against the arguments that the listed tools take.
class CaseLint {
 public:
  CaseLint(const yaml::Node& file, Report& report) : file_(file), report_(report) {}

  /// A rule that names this tool alone: what can never be right is a fault.
  void check_named(const Rule& rule, const KnownTool& tool) { check(rule, tool, false); }
  /// A rule for several tools: what is wrong for one of them is a warning, said once.
  void check_shared(const Rule& rule, const KnownTool& tool) { check(rule, tool, true); }

 private:
  void check(const Rule& rule, const KnownTool& tool, bool shared);
  cel::Type arguments_of(const Rule& rule, const KnownTool& tool) const;
  void say(const Case& each, const KnownTool& tool, const cel::Notice& notice, bool shared, bool is_fault);

  const yaml::Node& file_;
  Report& report_;
  std::set<std::pair<const Case*, std::uint32_t>> said_;
};

}  // namespace callgate::policy
