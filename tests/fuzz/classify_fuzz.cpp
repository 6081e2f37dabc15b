#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "classify/classifier.hpp"
#include "classify/look_alikes.hpp"

/// Any JSON text as a list of tools, or as one: each gets an answer with
/// evidence, the evidence stands within bounds, and a second look says the same.
namespace {

using namespace callgate;

void expect(bool holds) {
  if (!holds) std::abort();
}

void check(const classify::Classification& answer) {
  bool category = false;
  bool risk = false;
  for (const classify::Evidence& each : answer.evidence) {
    expect(each.end >= each.start && each.text.size() == each.end - each.start);
    category |= each.claim == classify::Claim::category && !each.against;
    risk |= each.claim == classify::Claim::risk && !each.against;
  }
  expect(category && risk);
  expect(answer.confidence >= 0 && answer.confidence <= 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const classify::Classifier classifier;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  json::Document document;
  if (!json::parse(text, {.max_depth = 520, .check_number_range = false}, document)) return 0;
  std::vector<json::Value> tools;
  if (document.root().is_array()) {
    for (const json::Value each : document.root().elements()) tools.push_back(each);
  } else {
    tools.push_back(document.root());
  }
  const auto answers = classifier.classify_list(tools, classify::Hinting::untrusted);
  const auto trusted = classifier.classify_list(tools, classify::Hinting::trusted);
  for (std::size_t i = 0; i < tools.size(); ++i) {
    check(answers[i]);
    check(trusted[i]);
    // What other tools are called is seen in a list alone.
    if (std::ranges::find(answers[i].signals, "look_alike") != answers[i].signals.end()) continue;
    const std::string once = to_json(answers[i], "s", classifier.version());
    expect(once == to_json(classifier.classify(tools[i], classifier.siblings_of(tools), classify::Hinting::untrusted), "s", classifier.version()));
  }
  auto one = answers;
  auto other = trusted;
  const std::array servers{classify::ServerTools{"one", one, tools}, classify::ServerTools{"other", other, tools}};
  classify::compare_servers(servers);
  for (std::size_t i = 0; i < tools.size(); ++i) {
    check(one[i]);
    check(other[i]);
    expect(one[i].risk == answers[i].risk && one[i].category == answers[i].category);
  }
  return 0;
}
