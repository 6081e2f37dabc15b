#include "cli/gateway_command.hpp"

#include <string>
#include <vector>

#include "cli/gateway_process.hpp"
#include "cli/policy_files.hpp"
#include "cli/starting_policy.hpp"

namespace callgate::cli {

Exit gateway_command(config::Command command, std::span<const std::string_view> args, std::ostream& out, std::ostream& err) {
  const config::ProcessEnvironment environment;
  config::ParsedFlags parsed = config::parse_run_flags(command, args, environment);
  std::vector<std::string> given(args.begin(), args.end());
  if (parsed.flags && !parsed.flags->help && needs_starting_policy(*parsed.flags)) {
    auto policy = starting_policy(parsed.flags->config, err);
    if (!policy) return say(err, policy.error(), exit_of(policy.error()));
    // As if it had been given, so that a reload finds it as well.
    given.insert(given.begin(), {"--policy", std::move(*policy)});
    const std::vector<std::string_view> words(given.begin(), given.end());
    parsed = config::parse_run_flags(command, words, environment);
  }
  if (parsed.flags) place_starting_policies(parsed.flags->config);
  for (const Error& fault : parsed.faults) say(err, fault, Exit::usage);
  if (!parsed.flags) return parsed.usage ? Exit::usage : parsed.unreadable ? Exit::unavailable : Exit::refused;
  if (parsed.flags->help) {
    out << (command == config::Command::run ?
R"(callgate run: stand between one stdio client and one server

  callgate run --policy FILE -- COMMAND [ARG…]         a server started as a child process
  callgate run --policy FILE --upstream URL            a server reached by Streamable HTTP

  --policy FILE            what may be called; without it one is made from the server's tools, printed
                           and kept in the data folder
  --header 'NAME: VALUE'   sent to the server; secrets by ${env:NAME} or ${file:PATH}
  --trust-hints            the server's annotations may lower a class
  --classes FILE           what single tools are instead: `classes:` as in callgate.yaml
  --name NAME              what the server is called in pins and records (default: default)
  --data DIR               journal, pins, counters (default: $XDG_DATA_HOME/callgate)
  --audit DIR              journals elsewhere
  --audit-shapes           records tell type and size of arguments, for `policy generate --from-audit`
  --ready-file FILE, --ready-fd N   get one JSON line once calls are taken

example: callgate run --policy memory.yaml -- npx -y @modelcontextprotocol/server-memory
)" :
R"(callgate serve: stand in front of servers, for clients that speak Streamable HTTP

  callgate serve --policy FILE --listen HOST:PORT --upstream URL
  callgate serve --policy FILE --listen HOST:PORT -- COMMAND [ARG…]
  callgate serve --config callgate.yaml                many servers, each at /mcp/<server>

  --policy FILE            what may be called; without it one is made from the server's tools, printed
                           and kept in the data folder
  --listen HOST:PORT       port 0 takes a free one
  --auth none|grants       none is for loopback only; elsewhere clients need a grant's token
  --public-url URL         the address that clients see; needed off loopback
  --host NAME              one more name that clients may use in `Host`; may stand several times
  --admin HOST:PORT        the admin API
  --header 'NAME: VALUE'   sent to the server; secrets by ${env:NAME} or ${file:PATH}
  --ready-file FILE, --ready-fd N   get one JSON line once calls are taken
  --trust-hints, --classes FILE, --name NAME, --data DIR, --audit DIR, --audit-shapes
                           as in `callgate run --help`

example: callgate serve --policy p.yaml --listen 127.0.0.1:8808 --upstream http://127.0.0.1:9000/mcp
)");
    return Exit::ok;
  }
  return GatewayProcess({.command = command, .args = std::move(given)}, *parsed.flags, err).run();
}

}  // namespace callgate::cli
