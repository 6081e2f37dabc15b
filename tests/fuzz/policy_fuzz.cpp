#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "policy/explain.hpp"
#include "policy/load.hpp"
#include "policy/resource_uri.hpp"

using namespace callgate;
using namespace callgate::policy;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

const ToolList& tools() {
  static const ToolList list =
      ToolList::parse(R"({"tools":[{"name":"read","inputSchema":{"type":"object","properties":{"a":{"type":"number"}}}},)"
                      R"({"name":"write"},{"name":"t"}]})")
          .value();
  return list;
}

/// Whatever the policy is, these hold for every call of it.
void judge(const Policy& policy, const Call& call, const ToolList* list) {
  const Decision decision = judge_fresh(policy, call, list);
  must(!decision.reason.empty());
  must(decision.rule.empty() || decision.rule.view().starts_with('/'));
  must((decision.verdict == Verdict::require_approval) == (decision.approval != nullptr));
  must(decision.verdict >= Verdict::require_approval || decision.limits.empty());
  must((decision.verdict == Verdict::fault) == !decision.faults.empty());
  if (call.action == Action::tool_call) must(policy.hides_tool(call.name, {}) == (judge_fresh(policy, call, nullptr).verdict == Verdict::hide));
  must(explain(policy, call, list).decision.verdict == decision.verdict);
}

/// The form of an address, or of a key, is that of itself, and so is what servers may also read in it.
void read_address(std::string_view text) {
  if (const auto form = normal_uri(text)) {
    must(normal_uri(*form) == form);
    must(form->starts_with(without_fragment(*form)));
    for (const std::string& reading : other_readings(*form)) must(reading != *form);
  }
  if (const auto form = normal_uri_key(text)) must(normal_uri_key(*form) == form);
}

}  // namespace

/// A file of any bytes is a policy or a list of faults, each with its place; a
/// policy judges every call without a surprise. Any bytes are an address of one form, or of none.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  for (const ToolList* list : {static_cast<const ToolList*>(nullptr), &tools()}) {
    const Loaded loaded = load(text, "p", list);
    must((loaded.policy == nullptr) == !loaded.faults.empty());
    for (const Error& fault : loaded.faults) must(fault.where.starts_with("p:") && !fault.message.empty());
    for (const Error& warning : loaded.warnings) must(warning.where.starts_with("p:"));
    if (loaded.policy == nullptr) continue;
    for (const Expectation& each : loaded.expectations) {
      run(*loaded.policy, each, list);
      judge(*loaded.policy, each.call, list);
    }
    for (const char* json : {R"({"tool":"t"})", R"({"tool":"read","arguments":{"a":1,"b":[{"a":"x"}]}})", R"({"tool":"","x":1})",
                             R"({"resource":"file:///a/%2e%2e/b#c"})", R"({"prompt":"t","arguments":{"a":"1","A":"2"}})"}) {
      if (const auto call = parse_call(json)) judge(*loaded.policy, *call, list);
    }
  }
  if (const auto call = parse_call(text)) must(!call->name.empty());
  read_address(text);
  return 0;
}
