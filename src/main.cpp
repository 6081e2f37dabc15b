#include <malloc.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <iostream>
#include <span>
#include <string_view>
#include <vector>

#include "base/suggest.hpp"
#include "cli/approvals_command.hpp"
#include "cli/audit_command.hpp"
#include "cli/catalogue_command.hpp"
#include "cli/exit.hpp"
#include "cli/gateway_command.hpp"
#include "cli/generate_command.hpp"
#include "cli/grant_command.hpp"
#include "cli/policy_check.hpp"
#include "cli/policy_diff.hpp"
#include "cli/policy_explain.hpp"
#include "cli/policy_test.hpp"
#include "cli/scan_command.hpp"
#include "cli/server_command.hpp"
#include "cli/words.hpp"
#include "net/file_limit.hpp"
#include "net/signals.hpp"

namespace callgate {
namespace {

using cli::Exit;
using Args = std::span<const std::string_view>;

struct Command {
  std::string_view name;
  std::string_view does;
  Exit (*run)(Args args, std::ostream& out, std::ostream& err);
};

/// Bodies of some hundred KiB come and go with every call: their memory is not given
/// back to the system and asked for again each time, up to these amounts.
void keep_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

Exit policy(Args args, std::ostream& out, std::ostream& err) {
  if (!args.empty() && args[0] == "check") return cli::policy_check(args.subspan(1), out, err);
  if (!args.empty() && args[0] == "test") return cli::policy_test(args.subspan(1), out, err);
  if (!args.empty() && args[0] == "explain") return cli::policy_explain(args.subspan(1), out, err);
  if (!args.empty() && args[0] == "diff") return cli::policy_diff(args.subspan(1), out, err);
  if (!args.empty() && args[0] == "generate") return cli::policy_generate(args.subspan(1), out, err);
  const bool help = !args.empty() && (args[0] == "--help" || args[0] == "-h");
  static constexpr std::array<std::string_view, 5> verbs{"check", "test", "explain", "diff", "generate"};
  if (!help && !args.empty()) {
    err << "callgate: there is no `policy " << args[0] << "`" << did_you_mean(args[0], verbs) << "; see `callgate policy --help`\n";
    return Exit::usage;
  }
  (help ? out : err) << "callgate policy check FILE…    every fault of a policy, with line and column\n"
                        "callgate policy test FILE      runs the policy's own `expect` tests\n"
                        "callgate policy explain FILE --call JSON    which rule decides a call, and why\n"
                        "callgate policy diff OLD NEW    the kinds of call that two policies judge otherwise\n"
                        "callgate policy generate -- CMD…    a policy to start from, for the tools of a server\n\n"
                        "example: callgate policy check valkey.yaml\n";
  return help ? Exit::ok : Exit::usage;
}

/// Gateways end gently at a signal; every other command ends at once, as people
/// expect of Ctrl-C.
template <config::Command command>
Exit gateway(Args args, std::ostream& out, std::ostream& err) {
  net::block_signals();
  net::raise_file_limit();
  return cli::gateway_command(command, args, out, err);
}

constexpr std::array commands{
    Command{"run", "stand between a stdio client and a server", gateway<config::Command::run>},
    Command{"serve", "stand in front of servers, for HTTP clients", gateway<config::Command::serve>},
    Command{"scan", "what a server's tools can do, and how bad it can get", cli::scan},
    Command{"catalogue", "a page for every tool: what it does, and which rule to write", cli::catalogue},
    Command{"policy", "make, check, test, explain and compare policy files", policy},
    Command{"server", "register servers, look at their tools, accept changed definitions", cli::server},
    Command{"grant", "make, list, rotate and revoke the tokens of clients", cli::grant},
    Command{"approvals", "answer the questions that calls wait on", cli::approvals},
    Command{"audit", "show, search and prove the record of every call", cli::audit},
};

void print_help(std::ostream& out) {
  out << "callgate " CALLGATE_VERSION ": decides every tool call before it reaches an MCP server\n\n";
  for (const Command& command : commands) {
    out << "  callgate " << command.name << std::string(11 - command.name.size(), ' ') << command.does << '\n';
  }
  out << "\nEach command has --help with an example.\n";
}

int main_of(Args args) {
  if (args.empty() || args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
    print_help(args.empty() ? std::cerr : std::cout);
    return static_cast<int>(args.empty() ? Exit::usage : Exit::ok);
  }
  if (args[0] == "--version") {
    std::cout << "callgate " CALLGATE_VERSION "\n";
    return 0;
  }
  const auto* command = std::ranges::find(commands, args[0], &Command::name);
  if (command == commands.end()) {
    std::array<std::string_view, commands.size()> names;
    std::ranges::transform(commands, names.begin(), &Command::name);
    std::cerr << "callgate: there is no command `" << args[0] << "`" << did_you_mean(args[0], names) << "; `callgate --help` lists them\n";
    return static_cast<int>(Exit::usage);
  }
  return static_cast<int>(command->run(args.subspan(1), std::cout, std::cerr));
}

}  // namespace
}  // namespace callgate

int main(int argc, char** argv) {
  callgate::keep_memory();
  // A server or a reader that is gone is an error of one write, in every command.
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string_view> args(argv + 1, argv + argc);
  return callgate::main_of(args);
}
