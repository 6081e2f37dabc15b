#include "cli/catalogue_command.hpp"

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "admin/json_object.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "catalogue/site.hpp"
#include "classify/classifier.hpp"
#include "classify/look_alikes.hpp"
#include "cli/kept_list.hpp"
#include "cli/page_folder.hpp"
#include "cli/source_flags.hpp"
#include "cli/tool_lists.hpp"
#include "registry/difference.hpp"

namespace callgate::cli {
namespace {

using registry::visible;

constexpr std::string_view catalogue_help =
    R"(callgate catalogue build – a page for every tool: what it does, how bad it can get, which rule to write

  callgate catalogue build --out DIR -- CMD…                  a program that is started, and ended again
  callgate catalogue build --out DIR --upstream URL [--header 'NAME: VALUE']
  callgate catalogue build --out DIR --client-config FILE     every server of a client's own configuration
  callgate catalogue build --out DIR --server NAME            what is pinned of it in the data folder; nothing is started
  callgate catalogue build --out DIR --tools FILE…            saved lists: {"server": NAME, "tools": [...]}, the result of tools/list, or the array

  --json           one object: {"out", "files", "written", "removed", "complete", "servers": [{"server", "tools"}]}
  --out DIR        where the pages go: a new folder, or one of an earlier build
  --trust-hints    the server's annotations may lower a class
  --config FILE    a callgate.yaml: its `trust_hints` and `classes` for the server of that name hold
  --name NAME      what the server is called (default `default`)
  --timeout SECS   for each answer of a server (default 60)
  --data DIR       the data folder (default $XDG_DATA_HOME/callgate)

Open DIR/index.html in a browser; no server is needed, and no page asks for anything outside DIR. Pages of tools that
are gone are removed. No tool is called. Exit status: 0 done, 2 usage, 3 a file or server cannot be had, or DIR not written.

Example:
  callgate catalogue build --out pages --client-config ~/.cursor/mcp.json
)";

class Build {
 public:
  Build(const SourceFlags& flags, std::ostream& out, std::ostream& err) : flags_(flags), out_(out), err_(err) {}

  Exit run(const config::Environment& environment) {
    auto folder = PageFolder::open(*flags_.value("--out"));
    if (!folder) return unavailable(folder.error());
    bool complete = read_tool_lists(flags_, environment, ShowProgress::yes, err_, [this](const ToolSourceList& list) { take(list); });
    if (servers_.empty()) return Exit::unavailable;
    finish();
    catalogue::write_site(servers_, classifier_.version(), [&folder](const std::string& path, std::string_view bytes) { folder->write(path, bytes); });
    if (const auto done = folder->finish(); !done) return unavailable(done.error());
    complete = complete && complete_;
    if (flags_.has("--json")) {
      out_ << json_text(*folder, complete) << '\n';
      return complete ? Exit::ok : Exit::unavailable;
    }
    out_ << fmt::format("{}: {} files, {} written, {} removed\n", *flags_.value("--out"), folder->files(), folder->written(), folder->removed());
    return complete ? Exit::ok : Exit::unavailable;
  }

 private:
  std::string json_text(const PageFolder& folder, bool complete) const {
    const std::string servers = admin::json_array(servers_, [](const catalogue::ServerInput& each) { return admin::JsonObject().text("server", each.facts.id).number("tools", each.tools.size()).done(); });
    return admin::JsonObject()
        .text("out", *flags_.value("--out"))
        .number("files", folder.files())
        .number("written", folder.written())
        .number("removed", folder.removed())
        .raw("complete", complete ? "true" : "false")
        .raw("servers", servers)
        .done();
  }

  Exit unavailable(const Error& error) {
    err_ << "callgate: " << error.message << '\n';
    return Exit::unavailable;
  }

  void take(const ToolSourceList& list) {
    auto read = read_definitions(list.kept != nullptr ? array_with_new(*list.kept) : std::string(list.tools));
    if (!read) {
      err_ << fmt::format("callgate: server `{}`: {}\n", visible(list.server), read.error().message);
      complete_ = false;
      return;
    }
    documents_.push_back(std::move(read->document));
    catalogue::ServerInput server{.facts = list.facts};
    server.facts.id = list.server;
    if (list.live()) server.facts.listed_at = utc_text(SystemClock().wall_ms()).substr(0, 10);
    server.definitions = std::move(read->each);
    server.tools = judge_list(classifier_, server.definitions, list, err_);
    if (list.kept != nullptr) server.kept = kept_facts(*list.kept);
    servers_.push_back(std::move(server));
  }

  /// What takes all lists: names that meet, and then the rules.
  void finish() {
    std::vector<classify::ServerTools> all;
    for (catalogue::ServerInput& server : servers_) all.push_back({server.facts.id, server.tools, server.definitions});
    classify::compare_servers(all);
    for (catalogue::ServerInput& server : servers_) server.policy = generate::generate_policy(server.facts.id, server.definitions, server.tools);
  }

  const SourceFlags& flags_;
  std::ostream& out_;
  std::ostream& err_;
  classify::Classifier classifier_;
  std::deque<std::unique_ptr<json::OwnedDocument>> documents_;
  std::vector<catalogue::ServerInput> servers_;
  bool complete_ = true;
};

}  // namespace

Exit catalogue(std::span<const std::string_view> args, const config::Environment& environment, std::ostream& out, std::ostream& err) {
  static const SourceGrammar grammar{.command = "catalogue build", .verb = "make pages of", .values = {"--out"}, .switches = {"--json"}};
  const bool asks = args.empty() || args[0] == "--help" || args[0] == "-h";
  if (asks || args[0] != "build") {
    (asks && !args.empty() ? out : err) << catalogue_help;
    return asks && !args.empty() ? Exit::ok : Exit::usage;
  }
  const auto flags = read_source_flags(grammar, args.subspan(1), environment);
  if (!flags || (!flags->help && flags->value("--out") == nullptr)) {
    err << "callgate: " << (flags ? "say where the pages go: `--out DIR`" : flags.error().message) << "; see `callgate catalogue --help`\n";
    return Exit::usage;
  }
  if (flags->help) {
    out << catalogue_help;
    return Exit::ok;
  }
  return Build(*flags, out, err).run(environment);
}

Exit catalogue(std::span<const std::string_view> args, std::ostream& out, std::ostream& err) {
  return catalogue(args, config::ProcessEnvironment(), out, err);
}

}  // namespace callgate::cli
