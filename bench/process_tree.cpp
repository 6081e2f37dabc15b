#include "process_tree.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <vector>

namespace callgate::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view uncharged = "bench-upstream";

std::string read_all(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<fs::path> entries(const fs::path& folder) {
  std::error_code gone;  // a process may end at any moment
  std::vector<fs::path> out;
  for (fs::directory_iterator at(folder, gone), end; at != end; at.increment(gone)) out.push_back(at->path());
  return out;
}

/// The fields of /proc/PID/stat (proc(5)) that count here.
struct Stat {
  std::string name;
  pid_t parent = 0;
  double cpu_us = 0;
  double user_us = 0;
  int threads = 0;
  long rss_kib = 0;
};

Stat read_stat(const fs::path& process) {
  const std::string text = read_all(process / "stat");
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');  // the name may hold parentheses
  if (close == text.npos) return {};
  std::istringstream fields(text.substr(close + 2));
  const std::vector<std::string> values{std::istream_iterator<std::string>(fields), {}};
  if (values.size() < 22) return {};
  // values[0] is field 3 of the manual page: parent 4, utime 14, stime 15, threads 20, rss 24.
  const auto number = [&](std::size_t field) { return std::strtol(values[field - 3].c_str(), nullptr, 10); };
  return {.name = text.substr(open + 1, close - open - 1),
          .parent = static_cast<pid_t>(number(4)),
          .cpu_us = static_cast<double>(number(14) + number(15)) * 1e6 / static_cast<double>(sysconf(_SC_CLK_TCK)),
          .user_us = static_cast<double>(number(14)) * 1e6 / static_cast<double>(sysconf(_SC_CLK_TCK)),
          .threads = static_cast<int>(number(20)),
          .rss_kib = number(24) * sysconf(_SC_PAGESIZE) / 1024};
}

/// Nanosecond-exact time on the CPU of all living threads, where the kernel
/// keeps it (first number of schedstat).
double exact_cpu_us(const fs::path& process) {
  double total = 0;
  for (const fs::path& task : entries(process / "task")) {
    total += std::strtod(read_all(task / "schedstat").c_str(), nullptr) / 1e3;
  }
  return total;
}

long read_pss_kib(const fs::path& process) {
  const std::string text = read_all(process / "smaps_rollup");
  const std::size_t at = text.find("\nPss:");
  return at == text.npos ? 0 : std::strtol(text.c_str() + at + 5, nullptr, 10);
}

void add(ProcessTree& tree, const fs::path& process, const Stat& stat) {
  const double exact = exact_cpu_us(process);
  // Threads that have ended are missing from the exact sum; then the clock
  // ticks (10 ms each) of the whole process are the better figure.
  constexpr double two_ticks_us = 20'000;
  tree.cpu_us += exact + two_ticks_us >= stat.cpu_us ? exact : stat.cpu_us;
  tree.user_us += stat.user_us;
  tree.rss_kib += stat.rss_kib;
  tree.pss_kib += read_pss_kib(process);
  tree.threads += stat.threads;
  ++tree.processes;
}

}  // namespace

std::string ProcessTree::json() const {
  return fmt::format(R"({{"cpu_us":{:.0f},"user_us":{:.0f},"rss_kib":{},"pss_kib":{},"processes":{},"threads":{}}})", cpu_us, user_us, rss_kib,
                     pss_kib, processes, threads);
}

ProcessTree process_tree(pid_t root) {
  std::map<pid_t, Stat> all;
  std::multimap<pid_t, pid_t> children;
  for (const fs::path& path : entries("/proc")) {
    const auto pid = static_cast<pid_t>(std::atoi(path.filename().c_str()));
    if (pid <= 0) continue;
    all[pid] = read_stat(path);
    children.emplace(all[pid].parent, pid);
  }
  ProcessTree tree;
  std::vector<pid_t> open{root};
  while (!open.empty()) {
    const pid_t pid = open.back();
    open.pop_back();
    const auto found = all.find(pid);
    if (found == all.end() || (pid != root && found->second.name == uncharged)) continue;
    add(tree, fs::path("/proc") / std::to_string(pid), found->second);
    const auto [first, last] = children.equal_range(pid);
    for (auto child = first; child != last; ++child) open.push_back(child->second);
  }
  return tree;
}

}  // namespace callgate::bench
