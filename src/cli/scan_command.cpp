#include "cli/scan_command.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "classify/look_alikes.hpp"
#include "cli/last_look.hpp"
#include "cli/scan_flags.hpp"
#include "cli/scan_view.hpp"
#include "cli/tool_lists.hpp"
#include "registry/difference.hpp"

namespace callgate::cli {
namespace {

using registry::visible;

constexpr std::string_view scan_help =
    R"(callgate scan – what the tools of a server can do, and how bad it can get

  callgate scan -- CMD…                  a program that is started, and ended again
  callgate scan --upstream URL [--header 'NAME: VALUE']
  callgate scan --client-config FILE     every server of a client's own configuration (mcpServers, servers)
  callgate scan --server NAME            what is pinned of it in the data folder; nothing is started
  callgate scan --tools FILE…            saved lists: {"server": NAME, "tools": [...]}, the result of tools/list, or the array

  --json           an array of classifications
  --long           evidence and signals of each tool
  --fail-on RISK   exit 1 where a tool is at least so bad: Low, Medium, High, Critical
  --trust-hints    the server's annotations may lower a class
  --config FILE    a callgate.yaml: its `trust_hints` and `classes` for the server of that name hold
  --name NAME      what the server is called (default `default`)
  --timeout SECS   for each answer of a server (default 60)
  --data DIR       where the last look is kept (default $XDG_DATA_HOME/callgate)

No tool is called. Exit status: 0 done, 1 `--fail-on` found something, 2 usage, 3 a file or server cannot be had,
or a server of FILE was left out.

Example:
  callgate scan --fail-on critical -- npx -y @modelcontextprotocol/server-filesystem .
)";

/// One scan while it runs.
class Scan {
 public:
  Scan(const ScanFlags& flags, Colour colour, std::ostream& out, std::ostream& err) : flags_(flags), colour_(colour), out_(out), err_(err) {}

  Exit run(const config::Environment& environment) {
    const ShowProgress progress = flags_.json ? ShowProgress::no : ShowProgress::yes;
    if (!read_tool_lists(flags_, environment, progress, err_, [this](const ToolSourceList& list) { judge(list); })) unavailable_ = true;
    finish();
    if (flags_.json) out_ << json_ << "]\n";
    if (unavailable_) return Exit::unavailable;
    return found_ ? Exit::refused : Exit::ok;
  }

 private:
  void fault(const std::string& what, const Error& error) {
    err_ << "callgate: " << what << ": " << error.message << (error.where.empty() ? "" : " (" + error.where + ")") << '\n';
    unavailable_ = true;
  }

  void judge(const ToolSourceList& list) {
    auto definitions = read_definitions(std::string(list.tools));
    if (!definitions) return fault("server `" + visible(list.server) + "`", definitions.error());
    Scanned scanned{.server = list.server, .tools = judge_list(classifier_, definitions->each, list, err_)};
    drop_nameless(scanned.tools, definitions->each);
    if (list.live()) {
      auto drift = look_again(flags_.data, list.server, list.address, list.tools);
      if (!drift) return fault(flags_.data.string(), drift.error());
      scanned.drift = std::move(*drift);
      scanned.looked = true;
    }
    scanned_.push_back(std::move(scanned));
    definitions_.push_back(std::move(*definitions));
  }

  /// What has no name is no tool, and has been said.
  static void drop_nameless(std::vector<classify::Classification>& tools, std::vector<json::Value>& definitions) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < tools.size(); ++i) {
      if (tools[i].tool.empty()) continue;
      if (kept != i) {
        tools[kept] = std::move(tools[i]);
        definitions[kept] = definitions[i];
      }
      ++kept;
    }
    tools.resize(kept);
    definitions.resize(kept);
  }

  /// What takes all lists: names that meet.
  void finish() {
    std::vector<classify::ServerTools> all;
    for (std::size_t i = 0; i < scanned_.size(); ++i) all.push_back({scanned_[i].server, scanned_[i].tools, definitions_[i].each});
    classify::compare_servers(all);
    for (const Scanned& each : scanned_) show(each);
  }

  void show(const Scanned& scanned) {
    found_ |= flags_.fail_on && std::ranges::any_of(scanned.tools, [this](const auto& tool) { return tool.risk >= *flags_.fail_on; });
    if (flags_.json) {
      append_json(json_, scanned, classifier_.version());
      tell_gone(scanned);
    } else {
      write_table(out_, scanned, flags_.long_form, colour_);
    }
  }

  /// A tool that is gone has no classification to say so in.
  void tell_gone(const Scanned& scanned) {
    for (const Change& change : scanned.drift.changes) {
      if (change.kind == Change::Kind::removed) err_ << "callgate: `" << visible(scanned.server) << "` no longer lists `" << visible(change.tool) << "`\n";
    }
  }

  const ScanFlags& flags_;
  Colour colour_;
  std::ostream& out_;
  std::ostream& err_;
  classify::Classifier classifier_;
  std::vector<Scanned> scanned_;
  std::vector<Definitions> definitions_;  ///< of `scanned_`
  std::string json_ = "[";
  bool unavailable_ = false;
  bool found_ = false;
};

}  // namespace

Exit scan(std::span<const std::string_view> args, const config::Environment& environment, Colour colour, std::ostream& out, std::ostream& err) {
  const auto flags = read_scan_flags(args, environment);
  if (!flags) {
    err << "callgate: " << flags.error().message << "; see `callgate scan --help`\n";
    return Exit::usage;
  }
  if (flags->help) {
    out << scan_help;
    return Exit::ok;
  }
  return Scan(*flags, colour, out, err).run(environment);
}

Exit scan(std::span<const std::string_view> args, std::ostream& out, std::ostream& err) {
  return scan(args, config::ProcessEnvironment(), colour_of_terminal(), out, err);
}

}  // namespace callgate::cli
