#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "catalogue/site.hpp"
#include "classify/classifier.hpp"
#include "policy/load.hpp"

namespace callgate::catalogue {

inline const classify::Classifier& classifier() {
  static const classify::Classifier made;
  return made;
}

/// A catalogue of servers whose lists are written as JSON, in memory.
struct Pages {
  explicit Pages(const std::vector<std::pair<std::string, std::string>>& servers) {
    for (const auto& [id, tools] : servers) {
      auto parsed = json::OwnedDocument::parse(tools, {.max_depth = 520, .check_number_range = false});
      EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().message);
      if (!parsed) return;
      documents.push_back(std::move(*parsed));
      ServerInput& input = inputs.emplace_back(ServerInput{.facts = {.id = id, .listed_at = "2026-11-27"}});
      for (const json::Value each : documents.back()->root().elements()) input.definitions.push_back(each);
      input.tools = classifier().classify_list(input.definitions, classify::Hinting::untrusted);
      input.policy = generate::generate_policy(id, input.definitions, input.tools);
    }
    write_site(inputs, classifier().version(), [this](const std::string& path, std::string_view bytes) {
      EXPECT_TRUE(files.emplace(path, bytes).second) << path << " is written twice";
    });
  }

  const std::string& file(const std::string& path) const {
    const auto found = files.find(path);
    if (found != files.end()) return found->second;
    ADD_FAILURE() << "there is no " << path;
    static const std::string none;
    return none;
  }

  std::vector<std::unique_ptr<json::OwnedDocument>> documents;
  std::vector<ServerInput> inputs;
  std::map<std::string, std::string> files;
};

/// Definitions in words of our own, of the kind that servers list.
inline constexpr std::string_view agent_tools = R"json([
  {"name":"policy_generation_start","description":"Start a model run that drafts an access policy from plain words.\n\nCOST WARNING: each invocation incurs charges. The run is asynchronous: poll with policy_generation_get. Generated assets auto-delete after 7 days.",
   "inputSchema":{"type":"object","properties":{
     "policy_engine_id":{"type":"string","description":"Engine that gives the context"},
     "name":{"type":"string","description":"A name to find it by. Pattern: [A-Za-z][A-Za-z0-9_]*, max 48 chars."},
     "content":{"type":"object","additionalProperties":true,"description":"Specify key \"rawText\" with a description (1-2000 chars). Example: {\"rawText\": \"let admins in\"}."},
     "resource":{"type":"object","additionalProperties":true,"description":"Specify key \"arn\" with the ARN (20-1011 chars). Only Gateway ARNs are taken. Example: {\"arn\": \"arn:aws:some-service:us-east-1:123456789012:gateway/my-gw\"}."},
     "client_token":{"anyOf":[{"type":"string"},{"type":"null"}],"default":null,"description":"Token (33-256 chars)"}},
     "required":["policy_engine_id","name","content","resource"]}},
  {"name":"policy_generation_get","description":"Get the state of a generation.","inputSchema":{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}},
  {"name":"policy_create","description":"Create an access policy and put it in force.","inputSchema":{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}}])json";

inline constexpr std::string_view cache_tools = R"json([
  {"name":"key_write","description":"Execute a command that changes keys.\n\nFLUSHALL is blocked.\n\nArgs:\n    command: e.g. \"SET\", \"HSET\", \"DEL\", \"EXPIRE\"\n    args: words\n\nReturns:\n    A dict with \"status\".",
   "inputSchema":{"type":"object","properties":{"command":{"type":"string"},"args":{"anyOf":[{"type":"array","items":{"type":"string"}},{"type":"null"}],"default":null}},"required":["command"]}}])json";

}  // namespace callgate::catalogue
