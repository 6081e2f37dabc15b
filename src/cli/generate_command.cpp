#include "cli/generate_command.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "admin/json_object.hpp"
#include "base/json.hpp"
#include "classify/classifier.hpp"
#include "cli/recorded_calls.hpp"
#include "cli/source_flags.hpp"
#include "cli/tool_classes.hpp"
#include "cli/tool_lists.hpp"
#include "cli/wish_draft.hpp"
#include "config/text_file.hpp"
#include "generate/policy.hpp"
#include "registry/difference.hpp"

namespace callgate::cli {
namespace {

using registry::visible;

constexpr std::string_view generate_help =
    R"(callgate policy generate – a policy to start from, for the tools of one server

  callgate policy generate -- CMD…                  a program that is started, and ended again
  callgate policy generate --upstream URL [--header 'NAME: VALUE']
  callgate policy generate --server NAME            what is pinned of it in the data folder; nothing is started
  callgate policy generate --tools FILE             a saved list: {"server": NAME, "tools": [...]}, the result of tools/list, or the array

  --from-audit DIR  only what the calls in these journals needed: other tools, and arguments that
                    were never sent, are refused. With `audit: {shapes: true}` on while they were made
                    also ranges: how large numbers, how long texts and lists were, with room
  --wish TEXT       the rules that a sentence asks for: allow, deny, hide, ask before; limit … to N per minute;
                    only if ARGUMENT is, <=, one of …; of a tool, a pattern, reads, writes, high risk, everything.
                    `everything else`, `except`. It is laid over the policy in force, where there is one: what it does
                    not speak of stays, and what it replaces or drops is listed. A limit grants nothing.
                    What is not understood is said, and nothing is made then. With CALLGATE_MODEL_URL (a chat
                    endpoint of the common kind; CALLGATE_MODEL_KEY, CALLGATE_MODEL_NAME) a model puts other
                    words into these, and is sent the wish and the tools' names, descriptions and classes
  --policy FILE     what is in force now; without it the one that --config or the store names for the server
  --json            one object: {"server", "policy", "effect", "before", "findings", "changes", "faults"}
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
    auto in_force = policy_in_force(list);
    if (!in_force) {
      unavailable("the policy in force", in_force.error());
      return;
    }
    made_ = {.server = list.server};
    if (const std::string* sentence = flags_.value("--wish")) {
      ToolSourceList plain = list;
      plain.rules.overrides.clear();  // those that have lapsed are told with the draft
      (void)judge_list(classifier_, read->each, plain, err_);
      wish(list, *sentence, std::move(*in_force));
      return;
    }
    made_.before = before_text(*in_force, list, read->each.size());
    const auto classes = judge_list(classifier_, read->each, list, err_);
    if (const std::string* journals = flags_.value("--from-audit")) {
      learn(list.server, *journals, read->each, classes);
    } else {
      tell(generate::generate_policy(list.server, read->each, classes), read->each.size());
    }
  }

  /// The text of `--policy`, else of the server's own policy file; empty where there is none.
  Result<std::string> policy_in_force(const ToolSourceList& list) const {
    const std::string* given = flags_.value("--policy");
    if (given == nullptr && list.policy.empty()) return std::string();
    auto text = config::read_text(given != nullptr ? std::filesystem::path(*given) : list.policy, config::Writers::owner_only);
    if (!text && given == nullptr && text.error().kind == ErrorKind::not_found) return std::string();
    return text;
  }

  static std::string before_text(const std::string& in_force, const ToolSourceList& list, std::size_t listed) {
    if (in_force.empty()) return "without a policy none is callable";
    const auto tools = policy::ToolList::parse(fmt::format(R"({{"tools":{}}})", list.tools), listed_tool_classes(list.rules));
    if (!tools) return "by the policy in force";
    const policy::Loaded loaded = policy::load(in_force, "policy", &*tools);
    return loaded.policy == nullptr ? "the policy in force has faults" : generate::sentence(effect_of(loaded, *tools, listed));
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
    generate::Learned learned = generate::learn_policy(server, definitions, classes, generate::seen_tools(recorded->calls));
    made_.learned = fmt::format("learned from {} call{}; against the policy without a journal:", recorded->calls.size(), recorded->calls.size() == 1 ? "" : "s");
    made_.changes = std::move(learned.changes);
    add_ranges(recorded->calls);
    tell(learned.policy, definitions.size());
  }

  /// From how many calls ranges could be learned.
  void add_ranges(std::span<const generate::RecordedCall> calls) {
    const auto shaped = std::ranges::count_if(calls, [](const generate::RecordedCall& call) { return call.shapes.has_value(); });
    if (shaped == 0) {
      made_.findings.emplace_back("ranges need `audit: {shapes: true}`: these records do not tell what arguments look like");
    } else if (static_cast<std::size_t>(shaped) < calls.size()) {
      made_.findings.push_back(fmt::format("ranges come from the {} call{} whose records have shapes of arguments; the others may not fit them", shaped, shaped == 1 ? "" : "s"));
    }
  }

  void wish(const ToolSourceList& list, const std::string& sentence, std::string in_force) {
    WishOrder order{.server = list.server, .wish = sentence, .tools = std::string(list.tools), .rules = list.rules, .in_force = std::move(in_force), .base = {}, .model = model_endpoint(environment_)};
    admin::PolicyDraft draft = draft_wish(order);
    made_.findings = std::move(draft.findings);
    made_.faults = std::move(draft.faults);
    made_.made_by = std::move(draft.made_by);
    if (made_.faults.empty()) {
      made_.text = std::move(draft.text);
      made_.effect = std::move(draft.effect);
      made_.changes = std::move(draft.changes);
    } else {
      exit_ = Exit::refused;
    }
    print();
  }

  void tell(const generate::Generated& made, std::size_t listed) {
    const generate::Effect effect = generate::effect_of(made.rules, listed);
    made_.text = made.text;
    made_.effect = generate::sentence(effect);
    if (effect.limited + effect.checked > 0) made_.bounds = fmt::format("{} with a limit, {} with rules on their arguments", effect.limited, effect.checked);
    if (made.rules.empty()) exit_ = Exit::refused;
    print();
  }

  void print() {
    if (flags_.has("--json")) {
      out_ << admin::JsonObject()
                  .text("server", made_.server)
                  .text("policy", made_.text)
                  .text_if_any("made_by", made_.made_by)
                  .text("effect", made_.effect)
                  .text_if_any("before", made_.before)
                  .texts("findings", made_.findings)
                  .texts("changes", made_.changes)
                  .texts("faults", made_.faults)
                  .done()
           << '\n';
      return;
    }
    out_ << made_.text;
    for (const std::string& fault : made_.faults) err_ << "callgate: " << visible(fault) << '\n';
    if (flags_.value("--wish") != nullptr) {
      for (const std::string& finding : made_.findings) err_ << "callgate: " << finding << '\n';
      if (!made_.faults.empty()) err_ << "nothing was made; see `callgate policy generate --help` for what a wish may say\n";
      if (made_.faults.empty()) err_ << visible(made_.server) << ": " << made_.effect << '\n';
      for (const std::string& change : made_.changes) err_ << "  " << change << '\n';
      return;
    }
    err_ << fmt::format("{}: {} (before: {})\n", visible(made_.server), made_.effect, made_.before);
    if (!made_.bounds.empty()) err_ << "  " << made_.bounds << '\n';
    if (!made_.learned.empty()) err_ << made_.learned << '\n';
    for (const std::string& change : made_.changes) err_ << "  " << change << '\n';
    for (const std::string& finding : made_.findings) err_ << "  " << finding << '\n';
  }

  /// What was made, to be told.
  struct Made {
    std::string server;
    std::string text;
    std::string made_by;
    std::string effect;
    std::string before;
    std::string bounds;
    std::string learned;
    std::vector<std::string> findings;
    std::vector<std::string> changes;
    std::vector<std::string> faults;
  };

  const SourceFlags& flags_;
  const config::Environment& environment_;
  std::ostream& out_;
  std::ostream& err_;
  classify::Classifier classifier_;
  Made made_;
  Exit exit_ = Exit::ok;
};

std::optional<std::string> unfit_flags(const SourceFlags& flags) {
  if (flags.client_config) return "a policy is for one server: name it by `-- CMD…` or `--upstream URL`";
  if (flags.value("--wish") != nullptr && flags.value("--from-audit") != nullptr) return "`--wish` and `--from-audit` do not go together: one makes rules, the other narrows them";
  if (flags.files.size() > 1) return "a policy is for one server: give one file";
  return std::nullopt;
}

}  // namespace

Exit policy_generate(std::span<const std::string_view> args, const config::Environment& environment, std::ostream& out, std::ostream& err) {
  static const SourceGrammar grammar{.command = "policy generate", .verb = "make a policy for", .values = {"--from-audit", "--wish", "--policy"}, .switches = {"--json"}};
  const auto flags = read_source_flags(grammar, args, environment);
  const auto fault = flags ? (flags->help ? std::nullopt : unfit_flags(*flags)) : flags.error().message;
  if (fault) {
    err << "callgate: " << *fault << "; see `callgate policy generate --help`\n";
    return Exit::usage;
  }
  if (flags->help) {
    out << generate_help;
    return Exit::ok;
  }
  return Generate(*flags, environment, out, err).run();
}

Exit policy_generate(std::span<const std::string_view> args, std::ostream& out, std::ostream& err) {
  return policy_generate(args, config::ProcessEnvironment(), out, err);
}

}  // namespace callgate::cli
