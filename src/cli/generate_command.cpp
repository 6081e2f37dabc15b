#include "cli/generate_command.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/json.hpp"
#include "classify/classifier.hpp"
#include "cli/granted_wish.hpp"
#include "cli/recorded_calls.hpp"
#include "cli/source_flags.hpp"
#include "cli/tool_lists.hpp"
#include "generate/policy.hpp"
#include "registry/difference.hpp"

namespace callgate::cli {
namespace {

using registry::visible;

constexpr std::string_view help =
    R"(callgate policy generate – a policy to start from, for the tools of one server

  callgate policy generate -- CMD…                  a program that is started, and ended again
  callgate policy generate --upstream URL [--header 'NAME: VALUE']
  callgate policy generate --server NAME            what is pinned of it in the data folder; nothing is started
  callgate policy generate --tools FILE             a saved list: {"server": NAME, "tools": [...]} or the result of tools/list

  --from-audit DIR  only what the calls in these journals needed: other tools, and arguments that
                    were never sent, are refused. With `audit: {shapes: true}` on while they were made
                    also ranges: how large numbers, how long texts and lists were, with room
  --wish TEXT       the rules that a sentence asks for: allow, deny, hide, ask before; limit … to N per minute;
                    only if ARGUMENT is, <=, one of …; of a tool, a pattern, reads, writes, high risk, everything.
                    What is not understood is said, and nothing is made then. With CALLGATE_MODEL_URL (a chat
                    endpoint of the common kind; CALLGATE_MODEL_KEY, CALLGATE_MODEL_NAME) a model puts other
                    words into these, and is sent the wish and the tools' names, descriptions and classes
  --trust-hints     the server's annotations may lower a class
  --config FILE     a callgate.yaml: its `trust_hints` and `classes` for the server of that name hold
  --name NAME       what the server is called (default `default`)
  --timeout SECS    for each answer of the server (default 60)
  --data DIR        the data folder (default $XDG_DATA_HOME/callgate)

The policy goes to the standard output; what it lets pass is said beside it. It carries tests of its own and
passes `policy check --strict` and `policy test` against this list. No tool is called, and nothing is put in force.
Exit status: 0 done, 1 there is no tool to make a rule for, 2 usage, 3 a file or server cannot be had.

Example:
  callgate policy generate -- npx -y @modelcontextprotocol/server-filesystem . > files.yaml
  callgate policy generate --wish 'allow reads, ask before write_file, limit search_files to 10 per minute' --tools saved.json
)";

class Generate {
 public:
  Generate(const SourceFlags& flags, const config::Environment& environment, std::ostream& out, std::ostream& err)
      : flags_(flags), environment_(environment), out_(out), err_(err) {}

  Exit run() {
    const bool read = read_tool_lists(flags_, environment_, ShowProgress::yes, err_, [this](const ToolSourceList& list) { make(list); });
    return read ? exit_ : Exit::unavailable;
  }

 private:
  Exit unavailable(const std::string& what, const Error& error) {
    err_ << "callgate: " << what << ": " << error.message << (error.where.empty() ? "" : " (" + error.where + ")") << '\n';
    return exit_ = Exit::unavailable;
  }

  void make(const ToolSourceList& list) {
    const auto read = read_definitions(std::string(list.tools));
    if (!read) {
      unavailable("server `" + visible(list.server) + "`", read.error());
      return;
    }
    const std::vector<json::Value>& definitions = read->each;
    const auto classes = judge_list(classifier_, definitions, list, err_);
    if (const std::string* journals = flags_.value("--from-audit")) {
      learn(list.server, *journals, definitions, classes);
    } else if (const std::string* sentence = flags_.value("--wish")) {
      wish(list.server, *sentence, definitions, classes);
    } else {
      tell(list.server, generate::generate_policy(list.server, definitions, classes), definitions.size());
    }
  }

  void learn(const std::string& server, const std::string& journals, std::span<const json::Value> definitions, std::span<const classify::Classification> classes) {
    const auto recorded = recorded_calls(journals, server);
    if (!recorded) {
      unavailable(journals, recorded.error());
      return;
    }
    if (recorded->calls.empty()) {
      std::string others;
      for (const std::string& other : recorded->other_servers) others += (others.empty() ? "; it holds calls of " : ", ") + visible(other);
      unavailable(journals, {ErrorKind::not_found, fmt::format("no call of a tool of `{}` was let through{}: say which one by `--name`", visible(server), others), {}});
      return;
    }
    const generate::Learned learned = generate::learn_policy(server, definitions, classes, generate::seen_tools(recorded->calls));
    tell(server, learned.policy, definitions.size());
    err_ << fmt::format("learned from {} call{}; against the policy without a journal:\n", recorded->calls.size(), recorded->calls.size() == 1 ? "" : "s");
    for (const std::string& change : learned.changes) err_ << "  " << change << '\n';
    tell_ranges(recorded->calls);
  }

  /// From how many calls ranges could be learned.
  void tell_ranges(std::span<const generate::RecordedCall> calls) {
    const auto shaped = std::ranges::count_if(calls, [](const generate::RecordedCall& call) { return call.shapes.has_value(); });
    if (shaped == 0) {
      err_ << "  ranges need `audit: {shapes: true}`: these records do not tell what arguments look like\n";
    } else if (static_cast<std::size_t>(shaped) < calls.size()) {
      err_ << fmt::format("  ranges come from the {} call{} whose records have shapes of arguments; the others may not fit them\n", shaped, shaped == 1 ? "" : "s");
    }
  }

  void wish(const std::string& server, const std::string& sentence, std::span<const json::Value> definitions, std::span<const classify::Classification> classes) {
    const GrantedWish granted = grant_wish(sentence, server, definitions, classes, model_endpoint(environment_));
    const generate::Wished& wished = granted.wished;
    for (const std::string& note : granted.notes) err_ << "callgate: " << note << '\n';
    if (wished.faults.empty()) return tell(server, wished.policy, definitions.size());
    for (const std::string& fault : wished.faults) err_ << "callgate: " << visible(fault) << '\n';
    err_ << "nothing was made; see `callgate policy generate --help` for what a wish may say\n";
    exit_ = Exit::refused;
  }

  void tell(const std::string& server, const generate::Generated& made, std::size_t listed) {
    out_ << made.text;
    const generate::Effect effect = generate::effect_of(made.rules, listed);
    err_ << fmt::format("{}: {} (before: without a policy none is callable)\n", visible(server), generate::sentence(effect));
    if (effect.limited + effect.checked > 0) err_ << fmt::format("  {} with a limit, {} with rules on their arguments\n", effect.limited, effect.checked);
    if (made.rules.empty()) exit_ = Exit::refused;
  }

  const SourceFlags& flags_;
  const config::Environment& environment_;
  std::ostream& out_;
  std::ostream& err_;
  classify::Classifier classifier_;
  Exit exit_ = Exit::ok;
};

std::optional<std::string> unfit(const SourceFlags& flags) {
  if (flags.client_config) return "a policy is for one server: name it by `-- CMD…` or `--upstream URL`";
  if (flags.value("--wish") != nullptr && flags.value("--from-audit") != nullptr) return "`--wish` and `--from-audit` do not go together: one makes rules, the other narrows them";
  if (flags.files.size() > 1) return "a policy is for one server: give one file";
  return std::nullopt;
}

}  // namespace

Exit policy_generate(std::span<const std::string_view> args, const config::Environment& environment, std::ostream& out, std::ostream& err) {
  static const SourceGrammar grammar{.command = "policy generate", .verb = "make a policy for", .values = {"--from-audit", "--wish"}};
  const auto flags = read_source_flags(grammar, args, environment);
  const auto fault = flags ? (flags->help ? std::nullopt : unfit(*flags)) : flags.error().message;
  if (fault) {
    err << "callgate: " << *fault << "; see `callgate policy generate --help`\n";
    return Exit::usage;
  }
  if (flags->help) {
    out << help;
    return Exit::ok;
  }
  return Generate(*flags, environment, out, err).run();
}

Exit policy_generate(std::span<const std::string_view> args, std::ostream& out, std::ostream& err) {
  return policy_generate(args, config::ProcessEnvironment(), out, err);
}

}  // namespace callgate::cli
