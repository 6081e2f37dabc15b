#include "cli/tool_classes.hpp"

#include <malloc.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/sha256.hpp"
#include "classify/classifier.hpp"
#include "classify/look_alikes.hpp"

namespace callgate::cli {
namespace {

static_assert(static_cast<int>(policy::Risk::low) == static_cast<int>(classify::Risk::low) &&
              static_cast<int>(policy::Risk::critical) == static_cast<int>(classify::Risk::critical));

registry::Risk risk_of(classify::Risk risk) {
  switch (risk) {
    case classify::Risk::low: return registry::Risk::low;
    case classify::Risk::medium: return registry::Risk::medium;
    case classify::Risk::high: return registry::Risk::high;
    case classify::Risk::critical: return registry::Risk::critical;
  }
  return registry::Risk::unknown;
}

std::string said_of(const config::Server& server) {
  std::string text = server.trust_hints ? "trusted\n" : "\n";
  for (const config::ClassOverride& each : server.classes) {
    for (const std::string_view part : {std::string_view(each.tool), std::string_view(each.definition), each.category, each.risk, std::string_view(each.reason)})
      text += json::quoted(part) + '\n';
  }
  return text;
}

/// Everything that an answer depends on, as one digest.
std::string digest_of(const config::Server& server, std::span<const json::Value> definitions) {
  std::string text = said_of(server);
  for (const json::Value& each : definitions) (text += each.text()) += '\n';
  return sha256_hex(text);
}

/// Of a long list that comes again with a few other definitions only those are judged anew.
class JudgedBefore {
 public:
  /// What the tools are without what is found by comparing them; in their order.
  std::vector<classify::Classification> judge(const config::Server& server, std::span<const json::Value> definitions) {
    const classify::Hinting hinting = ClassRules::of(server).hinting;
    std::string around = surroundings_of(server, definitions);
    if (around != surroundings_) known_.clear();
    surroundings_ = std::move(around);
    Known now;
    now.reserve(definitions.size());
    std::vector<classify::Classification> answers;
    answers.reserve(definitions.size());
    for (const json::Value& each : definitions) {
      std::string digest = sha256_hex(each.text());
      const auto found = known_.find(digest);
      answers.push_back(found != known_.end() ? found->second : judge_one(each, definitions, hinting));
      now.emplace(std::move(digest), answers.back());
    }
    siblings_.reset();
    classifier_.reset();
    known_ = std::move(now);
    return answers;
  }

 private:
  using Known = std::unordered_map<std::string, classify::Classification>;

  /// What a definition's answer depends on besides itself.
  static std::string surroundings_of(const config::Server& server, std::span<const json::Value> definitions) {
    std::string text = server.trust_hints ? "trusted\n" : "\n";
    for (const json::Value& each : definitions) {
      const auto name = each.is_object() ? each.find("name") : std::nullopt;
      if (name) (text += name->text()) += '\n';
    }
    return sha256_hex(text);
  }

  classify::Classification judge_one(json::Value definition, std::span<const json::Value> all, classify::Hinting hinting) {
    if (!classifier_) {
      classifier_.emplace();
      siblings_.emplace(classifier_->siblings_of(all));
    }
    classify::Classification answer = classifier_->classify(definition, *siblings_, hinting);
    // Only what calls are judged by is kept: quotations are many times as long.
    return {.tool = std::move(answer.tool), .category = answer.category, .risk = answer.risk};
  }

  std::string surroundings_;
  Known known_;
  std::optional<classify::Classifier> classifier_;  ///< while a list is judged
  std::optional<classify::Siblings> siblings_;
};

std::vector<registry::ToolClass> judged(JudgedBefore& before, const config::Server& server, std::span<const json::Value> definitions, Log& log) {
  std::vector<classify::Classification> found = before.judge(server, definitions);
  classify::compare_names(found);
  for (const std::string& lapsed : put_overrides(found, definitions, server.classes)) log.warn("class_lapsed", {{"server", server.name}, {"detail", lapsed}});
  std::vector<registry::ToolClass> classes;
  for (const classify::Classification& each : found) {
    classes.push_back({.risk = risk_of(each.risk), .category = word(each.category), .reason = each.overridden ? each.overridden->reason : ""});
  }
  return classes;
}

}  // namespace

policy::ClassesOf listed_tool_classes(ClassRules rules) {
  return [rules = std::move(rules)](std::span<const json::Value> definitions) {
    std::vector<policy::ToolClass> classes;
    const classify::Classifier classifier;
    for (const classify::Classification& each : judge_tools(classifier, definitions, rules).tools) {
      classes.push_back({.risk = static_cast<policy::Risk>(each.risk), .category = word(each.category)});
    }
    return classes;
  };
}

gateway::ClassesOf tool_classes(Log& log) {
  struct Memory {
    std::unordered_map<std::string, std::vector<registry::ToolClass>> lists;  ///< by what they depend on
    std::map<std::string, JudgedBefore, std::less<>> servers;
  };
  return [memory = std::make_shared<Memory>(), &log](const config::Server& server, std::span<const json::Value> definitions) {
    std::string digest = digest_of(server, definitions);
    if (const auto found = memory->lists.find(digest); found != memory->lists.end()) return found->second;
    if (memory->lists.size() >= 64) memory->lists.clear();
    if (memory->servers.size() >= 64 && !memory->servers.contains(server.name)) memory->servers.clear();
    const auto& classes = memory->lists[std::move(digest)] = judged(memory->servers[server.name], server, definitions, log);
    // The tables are a third of an idle gateway's heap, and new lists are rare:
    // what they took goes back to the system.
    ::malloc_trim(0);
    return classes;
  };
}

}  // namespace callgate::cli
