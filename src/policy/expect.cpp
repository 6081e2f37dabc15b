#include "policy/expect.hpp"

#include <array>
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/yaml.hpp"
#include "policy/program.hpp"
#include "policy/sentence.hpp"

namespace callgate::policy {
namespace {

constexpr std::string_view expected_call = "write for example `{\"tool\": \"NAME\", \"arguments\": {}}`";

std::string shown(Verdict verdict, std::string_view rule) {
  return rule.empty() ? fmt::format("`{}` by no rule", word(verdict)) : fmt::format("`{}` by `{}`", word(verdict), rule);
}

Result<void> take_arguments(Call& call, json::Value value) {
  if (!value.is_object()) return fail(ErrorKind::invalid, "`arguments` of the call has to be an object");
  if (call.action == Action::resource_read) {
    return fail(ErrorKind::invalid, "`arguments` beside `resource`: reading a resource takes none, remove it");
  }
  auto document = json::OwnedDocument::parse(std::string(value.text()));
  if (!document) return std::unexpected(document.error());
  call.arguments = std::move(*document);
  return {};
}

Result<void> take_member(Call& call, const json::Member& member) {
  struct Row {
    std::string_view key;
    Action action;
  };
  static constexpr std::array<Row, 3> rows = {{
      {"tool", Action::tool_call}, {"resource", Action::resource_read}, {"prompt", Action::prompt_get}}};
  const std::string key = member.key.string();
  const auto row = std::ranges::find(rows, key, &Row::key);
  if (row == rows.end()) return fail(ErrorKind::invalid, fmt::format("unknown member {} of the call: {}", yaml::ticked(key), expected_call));
  if (!member.value.is_string() || member.value.raw_string().empty()) {
    return fail(ErrorKind::invalid, fmt::format("`{}` of the call has to be a name", key));
  }
  if (!call.name.empty()) return fail(ErrorKind::invalid, fmt::format("a call names one thing: {}", expected_call));
  call.action = row->action;
  call.name = member.value.string();
  return {};
}

}  // namespace

Request Call::request(const ToolList* tools) const {
  return request(tools != nullptr ? tools->facts(name) : ToolFacts{.state = ToolFacts::State::known});
}

Request Call::request(const ToolFacts& known) const {
  Request request{.action = action, .name = name, .tool = known};
  if (arguments != nullptr) request.arguments = arguments->root();
  if (!server.empty()) request.tool.server = server;
  return request;
}

std::string called(const Call& call) {
  const std::string name = yaml::ticked(call.name);
  if (call.action == Action::tool_call) return "tool " + name;
  return (call.action == Action::prompt_get ? "prompt " : "resource ") + name;
}

Result<Call> parse_call(std::string_view json) {
  const auto document = json::OwnedDocument::parse(std::string(json));
  if (!document) {
    return fail(document.error().kind, fmt::format("the call is not JSON: {}; {}", document.error().message, expected_call),
                document.error().where);
  }
  const json::Value root = (*document)->root();
  if (!root.is_object()) return fail(ErrorKind::invalid, fmt::format("the call has to be an object: {}", expected_call));
  Call call;
  for (const json::Member member : root.members()) {
    if (member.key.equals("arguments")) continue;  // read once it is known what they belong to
    if (auto taken = take_member(call, member); !taken) return std::unexpected(taken.error());
  }
  if (call.name.empty()) return fail(ErrorKind::invalid, fmt::format("the call names nothing: {}", expected_call));
  if (const auto arguments = root.find("arguments")) {
    if (auto taken = take_arguments(call, *arguments); !taken) return std::unexpected(taken.error());
  }
  return call;
}

namespace {

Decision judge_fresh(const Policy& policy, const Request& request) {
  Decision decision = policy.judge(request);
  const auto blocks = std::ranges::find_if(decision.limits, [](const RateLimit* limit) { return limit->max == 0; });
  if (blocks == decision.limits.end()) return decision;
  Decision limited{.verdict = Verdict::rate_limited, .rule = (*blocks)->pointer, .reason = std::string(no_call_sentence)};
  return limited;
}

bool reads_any(const Rule* rule, std::span<const std::size_t> variables) {
  if (rule == nullptr) return false;
  return std::ranges::any_of(rule->cases, [&](const Case& each) {
    return std::ranges::any_of(variables, [&](std::size_t variable) { return each.when.reads(variable); });
  });
}

/// Whether one of the rules that judge this call asks whose tool it is.
bool asks_for_server(const Program& program, const Deciding& by) {
  static constexpr std::array<std::size_t, 1> server = {CaseInput::server};
  return reads_any(by.first, server) || reads_any(program.everywhere.get(), server);
}

bool asks_for_class(const Program& program, const Expectation& expectation, const Deciding& by) {
  static constexpr std::array<std::size_t, 2> is = {CaseInput::category, CaseInput::risk};
  if (program.classes != nullptr && program.tools.choose(expectation.call.name).rule == nullptr) return true;
  return reads_any(by.first, is) || reads_any(program.everywhere.get(), is);
}

/// A verdict that comes of the list, or that the tool's own schema may give in the place of a milder one.
bool may_be_the_tools(const Expectation& expectation, const Decision& came, const Deciding& by) {
  if (expectation.rule && !expectation.rule->empty()) return false;  // no rule of the file says any of these
  if (expectation.verdict == Verdict::unknown_tool || expectation.verdict == Verdict::quarantined) return true;
  const bool own = expectation.verdict == Verdict::invalid_arguments || expectation.verdict == Verdict::fault;
  return own && by.first->checks_own_schema && !by.first->denies_outright() && came.verdict > Verdict::hide;
}

/// What would have to be known, as a clause that says how to give it; empty: nothing.
std::string_view unknown_part(const Policy& policy, const Expectation& expectation, const Decision& came, const ToolList* tools) {
  if (expectation.call.action != Action::tool_call) return {};
  const Program& program = policy.program();
  const Deciding by = deciding_rules(program, expectation.call.name, {});
  if (tools == nullptr && (asks_for_class(program, expectation, by) || may_be_the_tools(expectation, came, by)))
    return "; that depends on the server's tools: give them by `--tools FILE` or `--server NAME`";
  if (expectation.call.request(tools).tool.server.empty() && asks_for_server(program, by))
    return "; that depends on `tool.server`: give it by `--name NAME`";
  return {};
}

Outcome outcome_of(const Policy& policy, const Expectation& expectation, const Request& request) {
  Outcome outcome{.decision = judge_fresh(policy, request)};
  const Decision& came = outcome.decision;
  outcome.held = came.verdict == expectation.verdict && (!expectation.rule || *expectation.rule == came.rule);
  if (outcome.held) return outcome;
  outcome.message = fmt::format("expected {}, the policy says {}: {}",
                                expectation.rule ? shown(expectation.verdict, *expectation.rule)
                                                 : fmt::format("`{}`", word(expectation.verdict)),
                                shown(came.verdict, came.rule), came.reason);
  return outcome;
}

}  // namespace

Decision judge_fresh(const Policy& policy, const Call& call, const ToolList* tools) { return judge_fresh(policy, call.request(tools)); }

Outcome run(const Policy& policy, const Expectation& expectation, const ToolList* tools) {
  Outcome outcome = outcome_of(policy, expectation, expectation.call.request(tools));
  if (outcome.held) return outcome;
  const std::string_view unknown = unknown_part(policy, expectation, outcome.decision, tools);
  outcome.depends_on_tools = !unknown.empty();
  outcome.message += unknown;
  return outcome;
}

Outcome run(const Policy& policy, const Expectation& expectation, const ToolFacts& known) {
  return outcome_of(policy, expectation, expectation.call.request(known));
}

std::vector<Error> broken(const Policy& policy, std::span<const Expectation> expectations) {
  std::vector<Error> faults;
  for (const Expectation& each : expectations) {
    const Outcome outcome = run(policy, each, nullptr);
    if (outcome.held || outcome.depends_on_tools) continue;
    faults.push_back({ErrorKind::invalid, fmt::format("its own test does not hold, {}: {}", called(each.call), outcome.message), each.where});
  }
  return faults;
}

}  // namespace callgate::policy
