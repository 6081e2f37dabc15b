#include "cli/gateway_command.hpp"

#include "cli/gateway_process.hpp"

namespace callgate::cli {

Exit gateway_command(config::Command command, std::span<const std::string_view> args, std::ostream& out, std::ostream& err) {
  const config::ProcessEnvironment environment;
  const config::ParsedFlags parsed = config::parse_run_flags(command, args, environment);
  for (const Error& fault : parsed.faults) say(err, fault, Exit::usage);
  if (!parsed.flags) return parsed.usage ? Exit::usage : parsed.unreadable ? Exit::unavailable : Exit::refused;
  if (parsed.flags->help) {
    out << (command == config::Command::run ?
R"(callgate run: stand between one stdio client and one server

  callgate run --policy FILE -- COMMAND [ARG…]         a server started as a child process
  callgate run --policy FILE --upstream URL            a server reached by Streamable HTTP

  --header 'NAME: VALUE'   sent to the server; secrets by ${env:NAME} or ${file:PATH}
  --name NAME              what the server is called in pins and records (default: default)
  --data DIR               journal, pins, counters (default: $XDG_DATA_HOME/callgate)
  --audit DIR              journals elsewhere
  --ready-file FILE, --ready-fd N   get one JSON line once calls are taken

example: callgate run --policy memory.yaml -- npx -y @modelcontextprotocol/server-memory
)" :
R"(callgate serve: stand in front of servers, for clients that speak Streamable HTTP

  callgate serve --policy FILE --listen HOST:PORT --upstream URL
  callgate serve --policy FILE --listen HOST:PORT -- COMMAND [ARG…]
  callgate serve --config callgate.yaml                many servers, each at /mcp/<server>

  --listen HOST:PORT       port 0 takes a free one
  --auth none|grants       none is for loopback only; elsewhere clients need a grant's token
  --public-url URL         the address that clients see; needed off loopback
  --host NAME              one more name that clients may use in `Host`; may stand several times
  --admin HOST:PORT        the admin API
  --header 'NAME: VALUE'   sent to the server; secrets by ${env:NAME} or ${file:PATH}
  --ready-file FILE, --ready-fd N   get one JSON line once calls are taken
  --name NAME, --data DIR, --audit DIR   as in `callgate run --help`

example: callgate serve --policy p.yaml --listen 127.0.0.1:8808 --upstream http://127.0.0.1:9000/mcp
)");
    return Exit::ok;
  }
  return GatewayProcess({.command = command, .args = {args.begin(), args.end()}}, *parsed.flags, err).run();
}

}  // namespace callgate::cli
