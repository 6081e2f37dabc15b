#include "cli/scan_command.hpp"

#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/json.hpp"
#include "cli/client_config.hpp"
#include "cli/live_lists.hpp"
#include "cli/scan_flags.hpp"
#include "cli/scan_view.hpp"
#include "config/text_file.hpp"
#include "registry/difference.hpp"
#include "registry/fingerprint.hpp"

namespace callgate::cli {
namespace {

using registry::visible;

constexpr std::string_view help =
    R"(callgate scan – what the tools of a server can do, and how bad it can get

  callgate scan -- CMD…                  a program that is started, and ended again
  callgate scan --upstream URL [--header 'NAME: VALUE']
  callgate scan --client-config FILE     every server of a client's own configuration (mcpServers, servers)
  callgate scan --tools FILE…            saved lists: {"server": NAME, "tools": [...]} or the result of tools/list

  --json           an array of classifications
  --long           evidence and signals of each tool
  --fail-on RISK   exit 1 where a tool is at least so bad: Low, Medium, High, Critical
  --trust-hints    the server's annotations may lower a class
  --name NAME      what the server is called (default `default`)
  --timeout SECS   for each answer of a server (default 60)
  --data DIR       where the last look is kept (default $XDG_DATA_HOME/callgate)

No tool is called. Exit status: 0 done, 1 `--fail-on` found something, 2 usage, 3 a file or server cannot be had.

Example:
  callgate scan --fail-on critical -- npx -y @modelcontextprotocol/server-filesystem .
)";

/// One scan while it runs.
class Scan {
 public:
  Scan(const ScanFlags& flags, Colour colour, std::ostream& out, std::ostream& err) : flags_(flags), colour_(colour), out_(out), err_(err) {}

  Exit run(const config::Environment& environment) {
    if (!flags_.files.empty()) {
      for (const std::string& file : flags_.files) scan_file(file);
    } else {
      config::Config config{.data = flags_.data, .servers = servers(environment)};
      if (!config.servers.empty()) scan_live(config);
    }
    if (flags_.json) out_ << json_ << "]\n";
    if (unavailable_) return Exit::unavailable;
    return found_ ? Exit::refused : Exit::ok;
  }

 private:
  void fault(const std::string& what, const Error& error) {
    err_ << "callgate: " << what << ": " << error.message << (error.where.empty() ? "" : " (" + error.where + ")") << '\n';
    unavailable_ = true;
  }

  std::vector<config::Server> servers(const config::Environment& environment) {
    std::vector<config::Server> all;
    if (!flags_.client_config) {
      all.push_back(*flags_.server);
    } else if (const auto text = config::read_text(*flags_.client_config); !text) {
      fault(*flags_.client_config, text.error());
    } else if (auto read = read_client_config(*text, environment); !read) {
      fault(*flags_.client_config, read.error());
    } else {
      for (const Error& left_out : read->left_out) err_ << "callgate: `" << visible(left_out.where) << "` is left out: " << left_out.message << '\n';
      all = std::move(read->servers);
    }
    for (config::Server& server : all) server.start_timeout = flags_.timeout;
    return all;
  }

  void scan_live(const config::Config& config) {
    const bool live = !flags_.json && ::isatty(STDERR_FILENO) != 0;
    const Progress progress = [&](std::size_t done, std::size_t all, const LiveList& last) {
      if (live) err_ << "\r\x1b[K" << done << " of " << all << " servers answered; last: " << visible(last.server) << std::flush;
    };
    if (live) err_ << "asking " << config.servers.size() << (config.servers.size() == 1 ? " server" : " servers") << " for tools …" << std::flush;
    const auto lists = read_live_lists(config, progress);
    if (live) err_ << "\r\x1b[K" << std::flush;
    if (!lists) return fault(config.data.string(), lists.error());
    for (const LiveList& list : *lists) {
      if (!list.tools) {
        fault("server `" + visible(list.server) + "`", list.tools.error());
      } else {
        judge(list.server, *list.tools, &list);
      }
    }
  }

  void scan_file(const std::string& file) {
    auto text = config::read_text(file, config::Writers::anybody, std::size_t{64} << 20U);
    if (!text) return fault(file, text.error());
    const auto document = json::OwnedDocument::parse(std::move(*text), registry::definition_limits);
    if (!document) return fault(file, document.error());
    json::Value root = (*document)->root();
    if (const auto result = root.find("result")) root = *result;
    const auto tools = root.is_array() ? std::optional(root) : root.find("tools");
    if (!tools || !tools->is_array()) return fault(file, {ErrorKind::invalid, "it is no list of tools: there is no array `tools`", {}});
    const auto name = root.find("server");
    const std::string server = flags_.server ? flags_.server->name : name && name->is_string() ? name->string() : "default";
    judge(server, tools->text(), nullptr);
  }

  /// `live` is null for a saved list, which nobody looks at again.
  void judge(const std::string& server, std::string_view tools, const LiveList* live) {
    const auto document = json::OwnedDocument::parse(std::string(tools), registry::definition_limits);
    if (!document) return fault("server `" + visible(server) + "`", document.error());
    std::vector<json::Value> definitions;
    for (const json::Value each : (*document)->root().elements()) definitions.push_back(each);
    Scanned scanned{.server = server, .tools = classifier_.classify_list(definitions, flags_.hinting)};
    if (live != nullptr) {
      auto drift = look_again(flags_.data, live->server, live->address, tools);
      if (!drift) return fault(flags_.data.string(), drift.error());
      scanned.drift = std::move(*drift);
      scanned.looked = true;
    }
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
    out << help;
    return Exit::ok;
  }
  return Scan(*flags, colour, out, err).run(environment);
}

Exit scan(std::span<const std::string_view> args, std::ostream& out, std::ostream& err) {
  return scan(args, config::ProcessEnvironment(), colour_of_terminal(), out, err);
}

}  // namespace callgate::cli
