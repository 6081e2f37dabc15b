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

/// What definitions were judged to be, by their digests, and what else those answers depend on.
struct JudgedBefore {
  std::string surroundings;
  std::unordered_map<std::string, classify::Classification> known;
};

/// What is remembered of lists, for servers that are asked again and again.
struct Memory {
  static constexpr std::size_t most = 64;

  std::unordered_map<std::string, std::vector<registry::ToolClass>> lists;  ///< by everything that they depend on
  /// The last of each server. Of a long list that comes again with a few other definitions only those are judged anew.
  std::map<std::string, std::shared_ptr<const JudgedBefore>, std::less<>> servers;

  void remember(const std::string& server, std::string digest, const std::vector<registry::ToolClass>& classes, std::shared_ptr<const JudgedBefore> judged) {
    if (lists.size() >= most) lists.clear();
    if (servers.size() >= most && !servers.contains(server)) servers.clear();
    lists.insert_or_assign(std::move(digest), classes);
    servers.insert_or_assign(server, std::move(judged));
  }
};

/// One list. Two of a server may be judged at once, so the memory is looked at and written once each.
class ListJudging final : public registry::Judging {
 public:
  ListJudging(std::shared_ptr<Memory> memory, const config::Server& server, std::span<const json::Value> definitions, Log& log)
      : memory_(std::move(memory)), server_(server.name), rules_(ClassRules::of(server)), definitions_(definitions), log_(log) {
    all_.update(said_of(server));
    around_.update(server.trust_hints ? "trusted\n" : "\n");
    digests_.reserve(definitions.size());
    found_.reserve(definitions.size());
  }

  bool go_on() override {
    if (classes_) return false;
    if (digests_.size() < definitions_.size()) {
      read_next();
    } else if (!before_) {
      remember_or_begin();
    } else if (found_.size() < definitions_.size()) {
      judge_next();
    } else {
      finish();
    }
    return true;
  }
  std::vector<registry::ToolClass> answer() override { return std::move(*classes_); }

 private:
  void read_next() {
    const json::Value definition = definitions_[digests_.size()];
    digests_.push_back(hex(one_.of(definition.text())));
    all_.update(digests_.back());
    const auto name = definition.is_object() ? definition.find("name") : std::nullopt;
    if (name) around_.update(name->text()).update("\n");
  }

  void remember_or_begin() {
    digest_ = hex(all_.finish());
    if (const auto found = memory_->lists.find(digest_); found != memory_->lists.end()) {
      classes_ = found->second;
      return;
    }
    now_ = std::make_shared<JudgedBefore>(JudgedBefore{.surroundings = hex(around_.finish()), .known = {}});
    now_->known.reserve(definitions_.size());
    const auto last = memory_->servers.find(server_);
    before_ = last != memory_->servers.end() && last->second->surroundings == now_->surroundings ? last->second : std::make_shared<const JudgedBefore>();
  }

  void judge_next() {
    std::string& digest = digests_[found_.size()];
    const auto known = before_->known.find(digest);
    found_.push_back(known != before_->known.end() ? known->second : judge(definitions_[found_.size()]));
    now_->known.emplace(std::move(digest), found_.back());
  }

  classify::Classification judge(json::Value definition) {
    if (!classifier_) {
      classifier_.emplace();
      siblings_.emplace(classifier_->siblings_of(definitions_));
    }
    classify::Classification answer = classifier_->classify(definition, *siblings_, rules_.hinting);
    // Only what calls are judged by is kept: quotations are many times as long.
    return {.tool = std::move(answer.tool), .category = answer.category, .risk = answer.risk};
  }

  /// What is found by comparing the tools, and what an operator says, is of this list alone.
  void finish() {
    siblings_.reset();
    classifier_.reset();
    classify::compare_names(found_);
    for (const std::string& lapsed : put_overrides(found_, definitions_, rules_.overrides)) log_.warn("class_lapsed", {{"server", server_}, {"detail", lapsed}});
    classes_.emplace();
    classes_->reserve(found_.size());
    for (const classify::Classification& each : found_)
      classes_->push_back({.risk = risk_of(each.risk), .category = word(each.category), .reason = each.overridden ? each.overridden->reason : ""});
    memory_->remember(server_, std::move(digest_), *classes_, std::move(now_));
    // The tables are a third of an idle gateway's heap, and new lists are rare:
    // what they took goes back to the system.
    ::malloc_trim(0);
  }

  const std::shared_ptr<Memory> memory_;
  const std::string server_;
  const ClassRules rules_;
  const std::span<const json::Value> definitions_;
  Log& log_;
  Sha256 one_;
  Sha256 all_;
  Sha256 around_;
  std::vector<std::string> digests_;  ///< of the definitions read so far
  std::string digest_;                ///< of all that the answer depends on
  std::shared_ptr<const JudgedBefore> before_;
  std::shared_ptr<JudgedBefore> now_;
  std::optional<classify::Classifier> classifier_;  ///< while a list is judged
  std::optional<classify::Siblings> siblings_;
  std::vector<classify::Classification> found_;
  std::optional<std::vector<registry::ToolClass>> classes_;
};

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
  return [memory = std::make_shared<Memory>(), &log](const config::Server& server, std::span<const json::Value> definitions) -> std::unique_ptr<registry::Judging> {
    return std::make_unique<ListJudging>(memory, server, definitions, log);
  };
}

}  // namespace callgate::cli
