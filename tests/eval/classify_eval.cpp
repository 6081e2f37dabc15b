#include <fmt/format.h>
#include <time.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "classify/classifier.hpp"

/// classify_eval LIST.json… – classifies saved lists of tools (`{"server", "tools"}`) and
/// writes an array of classifications. On the error stream: tools a second
/// on one core, definitions parsed before, and the slowest tool.
namespace callgate::classify {
namespace {

using Clock = std::chrono::steady_clock;

/// The time that this process had a core for: what others do on the machine does not count.
double core_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct List {
  std::unique_ptr<json::OwnedDocument> document;
  std::string server;
  std::vector<json::Value> tools;
};

bool read_list(const char* path, List& list) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  auto document = json::OwnedDocument::parse(std::move(text), {.max_depth = 520, .check_number_range = false});
  if (!document) return false;
  list.document = std::move(*document);
  const auto server = list.document->root().find("server");
  const auto tools = list.document->root().find("tools");
  if (!tools || !tools->is_array()) return false;
  list.server = server && server->is_string() ? server->string() : std::string();
  for (const json::Value each : tools->elements()) list.tools.push_back(each);
  return true;
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void measure(const Classifier& classifier, const std::vector<List>& lists) {
  std::size_t tools = 0;
  double slowest = 0;
  const double start = core_seconds();
  for (int round = 0; round < 5; ++round) {
    for (const List& list : lists) {
      const Siblings siblings = classifier.siblings_of(list.tools);
      for (const json::Value& tool : list.tools) {
        const auto begin = Clock::now();
        const Classification answer = classifier.classify(tool, siblings, Hinting::untrusted);
        slowest = std::max(slowest, seconds_since(begin));
        tools += answer.evidence.empty() ? 0 : 1;
      }
    }
  }
  std::cerr << fmt::format("{:.0f} tools/s on one core, the slowest took {:.2f} ms\n", static_cast<double>(tools) / (core_seconds() - start), slowest * 1000);
}

}  // namespace
}  // namespace callgate::classify

int main(int argc, char** argv) {
  using namespace callgate::classify;
  std::vector<List> lists(static_cast<std::size_t>(argc - 1));
  for (int i = 1; i < argc; ++i) {
    if (read_list(argv[i], lists[static_cast<std::size_t>(i) - 1])) continue;
    std::cerr << argv[i] << ": no list of tools\n";
    return 3;
  }
  const Classifier classifier;
  for (const std::string& fault : classifier.lexicon().faults) std::cerr << fault << '\n';
  std::string out;
  for (const List& list : lists) {
    for (const Classification& each : classifier.classify_list(list.tools, Hinting::untrusted)) {
      out += (out.empty() ? "[" : ",\n") + to_json(each, list.server, classifier.version());
    }
  }
  std::cout << (out.empty() ? "[" : out) << "]\n";
  measure(classifier, lists);
  return classifier.lexicon().faults.empty() ? 0 : 1;
}
