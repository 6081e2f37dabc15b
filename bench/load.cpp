// The load generator: makes MCP calls, checks every answer, and charges the
// gateway's CPU time to them. Prints one JSON object.
//
//   bench-load --url http://127.0.0.1:8808/mcp --watch PID [--connections 16] [--sessions 16] [--rate 500] …
//   bench-load --stdio [--connections WINDOW] … -- callgate run …
//   bench-load --start-up --url URL -- callgate serve …       from exec to the first answered call
//   bench-load --tree --watch PID                             what a process tree uses
//
// Every flag: docs/benchmarks.md.

#include <fmt/format.h>
#include <sys/resource.h>

#include "flags.hpp"
#include "loads.hpp"
#include "process_tree.hpp"

int main(int argc, char** argv) {
  using namespace callgate::bench;
  const Flags flags(argc, argv,
                    {"url", "watch", "connections", "sessions", "calls-per-session", "calls", "rate", "seconds", "warm-up", "size", "tools",
                     "denied-tool", "hidden-tool", "denied-percent", "list-percent", "revision", "header", "stderr"},
                    {"stdio", "start-up", "tree", "sse", "escapes", "stateless"});
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (flags.has("tree")) {
    fmt::print("{}\n", process_tree(static_cast<pid_t>(flags.count("watch", 0))).json());
    return 0;
  }
  if (flags.has("stdio")) return run_stdio(flags);
  return flags.has("start-up") ? run_start_up(flags) : run_http(flags);
}
