#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "policy/decision.hpp"

namespace callgate::policy {

struct Program;

/// One policy file, compiled: an immutable snapshot that `load` makes. Pure:
/// no time, no counters, no I/O. Safe to use from several threads.
/// Meaning: docs/policy-language.md, sections 2 and 3.
class Policy {
 public:
  explicit Policy(std::unique_ptr<const Program> program);
  ~Policy();
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;

  /// Steps 2 to 5 of a decision: is it known, which rule decides, do the
  /// arguments fit, what does the rule say. Limits and approval come after it.
  Decision judge(const Request& request) const;
  /// The same as if no rule hid a prompt or a resource: what a name gets that
  /// nobody has, and so what a hidden one has to get. Tools are judged as ever.
  Decision judge_unhidden(const Request& request) const;

  /// Is this left out of the list it belongs to?
  bool hides_tool(std::string_view name, const ToolClass& is) const;
  bool hides_prompt(std::string_view name) const;
  bool hides_resource(std::string_view uri) const;  ///< also for URI templates
  bool hides_anything() const;  ///< false: no list needs a filter
  bool hides_tools() const;
  bool hides_resources() const;
  /// The prompts that rules hide by their whole name: they are known without a list of the server.
  std::vector<std::string_view> hidden_prompts() const;

  bool allows_sampling() const;
  bool allows_elicitation() const;
  bool allows_roots() const;

  const std::string& hash() const;  ///< `sha256:` and the hex digest of the file's text
  bool has_classes() const;
  std::size_t rule_count() const;   ///< under tools, classes, resources and prompts
  const Program& program() const { return *program_; }

 private:
  std::unique_ptr<const Program> program_;
};

}  // namespace callgate::policy
