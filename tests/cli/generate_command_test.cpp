#include "cli/generate_command.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <sstream>

#include "audit/journal.hpp"
#include "base/log.hpp"
#include "cli/policy_check.hpp"
#include "cli/policy_test.hpp"
#include "cli/tool_command.hpp"
#include "registry/fingerprint.hpp"

namespace callgate::cli::generate_command_test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view shop = R"({"server":"shop","tools":[
  {"name":"get_item","description":"Get an item.","inputSchema":{"type":"object","properties":{"id":{"type":"string"},"deep":{"type":"boolean"}},"required":["id"]}},
  {"name":"update_item","description":"Update an item.","inputSchema":{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}},
  {"name":"delete_database","description":"Delete a database.","inputSchema":{"type":"object","properties":{"name":{"type":"string"}}}},
  {"name":"bad name"}]})";

struct GenerateCommand : ToolCommand {
  Exit run(std::vector<std::string_view> args) {
    return ran([&](std::ostream& to_out, std::ostream& to_err) { return policy_generate(args, world.home, to_out, to_err); });
  }
};

TEST_F(GenerateCommand, PrintsThePolicyAloneOnTheStandardOutput) {
  EXPECT_EQ(run({"--tools", file(shop)}), Exit::ok);
  EXPECT_THAT(out, testing::StartsWith("# A policy to start from, for 3 tools of server `shop`."));
  EXPECT_THAT(out, HasSubstr("callgate: 1\ndefault: deny"));
}

TEST_F(GenerateCommand, StartsFromWhatTheConfigurationSaysOfATool) {
  const auto read = json::OwnedDocument::parse(R"({"name":"delete_database","description":"Delete a database.","inputSchema":{"type":"object","properties":{"name":{"type":"string"}}}})");
  const std::string config = "servers: {shop: {url: 'http://127.0.0.1:1/mcp', policy: p, classes: {delete_database: {category: Write, risk: Medium, reason: a scratch one, definition: '" +
                             registry::fingerprint((*read)->root()) + "'}}}}";
  EXPECT_EQ(run({"--tools", file(shop)}), Exit::ok);
  EXPECT_THAT(out, HasSubstr("  delete_database:\n    action: deny"));
  EXPECT_EQ(run({"--config", file(config, "callgate.yaml"), "--tools", file(shop)}), Exit::ok) << err;
  EXPECT_THAT(out, HasSubstr("  # Write, Medium by the configuration (judged Destructive, Critical): a scratch one\n  delete_database:\n    action: allow"));
}

TEST_F(GenerateCommand, SaysTheEffectInToolsBesideIt) {
  EXPECT_EQ(run({"--tools", file(shop)}), Exit::ok);
  EXPECT_THAT(err, HasSubstr("shop: 2 tools callable, 0 ask a person, 2 refused, 0 hidden (before: without a policy none is callable)"));
  EXPECT_THAT(err, HasSubstr("`bad name` is no name of a tool"));
}

TEST_F(GenerateCommand, WhatItPrintsPassesTheStrictCheckAndItsTests) {
  const std::string_view list = file(R"({"server":"shop","tools":[{"name":"get_item","description":"Get an item."},
    {"name":"move_item","description":"Move an item.","inputSchema":{"type":"object","properties":{"name":{"type":"string","description":"At most 20 characters"}}}}]})");
  ASSERT_EQ(run({"--tools", list}), Exit::ok);
  const std::string policy = world.policy(out);
  std::ostringstream said;
  EXPECT_EQ(policy_check(std::vector<std::string_view>{policy, "--strict", "--tools", list}, Colour::off, said, said), Exit::ok) << said.str();
  EXPECT_EQ(policy_test(std::vector<std::string_view>{policy, "--tools", list}, Colour::off, said, said), Exit::ok) << said.str();
}

TEST_F(GenerateCommand, OfAListWithEntriesThatAreNoToolsItPassesTheCheckAgainstThatList) {
  const std::string_view list = file(R"({"server":"shop","tools":[{"name":"get_item","description":"Get an item."},{"name":""},{"name":5},7,{"name":"twice"},{"name":"twice"}]})");
  ASSERT_EQ(run({"--tools", list}), Exit::ok);
  EXPECT_THAT(err, HasSubstr("entry 2 of the list has no name"));
  const std::string policy = world.policy(out);
  std::ostringstream said;
  EXPECT_EQ(policy_check(std::vector<std::string_view>{policy, "--strict", "--tools", list}, Colour::off, said, said), Exit::ok) << said.str();
  EXPECT_EQ(policy_test(std::vector<std::string_view>{policy, "--tools", list}, Colour::off, said, said), Exit::ok) << said.str();
}

TEST_F(GenerateCommand, WarnsOfNamesThatLookLikeAnothers) {
  EXPECT_EQ(run({"--tools", file(R"({"server":"shop","tools":[{"name":"read_file","description":"Read a file."},{"name":"read_fi1e","description":"Read a file."}]})")}), Exit::ok);
  EXPECT_THAT(out, HasSubstr("  # beware: its name looks like that of `read_fi1e`\n"));
}

TEST_F(GenerateCommand, APolicyIsForOneServer) {
  const std::string_view list = file(shop);
  EXPECT_EQ(run({"--tools", list, list}), Exit::usage);
  EXPECT_EQ(run({"--client-config", "x.json"}), Exit::usage);
  EXPECT_EQ(run({}), Exit::usage);
  EXPECT_THAT(err, HasSubstr("say what to make a policy for"));
}

TEST_F(GenerateCommand, FilesThatCannotBeHadAreUnavailable) {
  EXPECT_EQ(run({"--tools", "/does/not/exist.json"}), Exit::unavailable);
  EXPECT_EQ(run({"--tools", file("[7]")}), Exit::refused) << "there is nothing to make a rule for";
}

TEST_F(GenerateCommand, AWishMakesTheRulesItSpeaksOf) {
  EXPECT_EQ(run({"--wish", "allow reads and update_item, limit update_item to 5 per hour", "--tools", file(shop)}), Exit::ok) << err;
  EXPECT_THAT(out, HasSubstr("# A draft, for server `shop`, of the wish:"));
  EXPECT_THAT(out, HasSubstr("rate_limit: {max: 5, window: 1h}"));
  EXPECT_THAT(err, HasSubstr("shop: 2 tools callable, 0 ask a person, 2 refused, 0 hidden"));
}

TEST_F(GenerateCommand, OfAWishThatIsNotUnderstoodNothingIsMade) {
  EXPECT_EQ(run({"--wish", "allow reads and be nice", "--tools", file(shop)}), Exit::refused);
  EXPECT_EQ(out, "");
  EXPECT_THAT(err, HasSubstr("`allow reads and be nice`: `be` is not understood"));
  EXPECT_EQ(run({"--wish", "allow reads", "--from-audit", "x", "--tools", "y"}), Exit::usage);
}

constexpr std::string_view shop_policy = R"(callgate: 1
default: deny
tools:
  get_item: {action: allow, rate_limit: {max: 2, window: 1h}}
  delete_database: {action: hide}
everywhere: {rate_limit: {max: 9, window: 1h}}
)";

TEST_F(GenerateCommand, AWishIsLaidOverThePolicyThatIsNamed) {
  const std::string policy = world.policy(shop_policy);
  EXPECT_EQ(run({"--wish", "allow get_item", "--policy", policy, "--tools", file(shop)}), Exit::ok) << err;
  EXPECT_THAT(out, testing::EndsWith(shop_policy));
  EXPECT_THAT(err, HasSubstr("shop: 1 tool callable, 0 ask a person, 2 refused, 1 hidden; 0 of 4 tools judged otherwise than now; of the policy in force nothing is dropped or replaced"));
  EXPECT_EQ(run({"--wish", "limit everything to 5 per hour, allow update_item", "--policy", policy, "--tools", file(shop)}), Exit::ok) << err;
  EXPECT_THAT(out, HasSubstr("everywhere: {rate_limit: {max: 9, window: 1h}}"));
  EXPECT_THAT(out, HasSubstr("  delete_database: {action: hide}"));
  EXPECT_THAT(err, HasSubstr("  update_item: `deny` -> `allow`\n"));
  EXPECT_THAT(err, HasSubstr("  get_item: `rate_limit` of `/tools/get_item` is replaced: {max: 2, window: \"1h\"} becomes {max: 5, window: \"1h\"}\n"));
  EXPECT_THAT(err, Not(HasSubstr("without a policy")));
}

TEST_F(GenerateCommand, ThePolicyOfAConfiguredServerIsTheOneInForce) {
  const std::string policy = world.policy(shop_policy);
  const std::string config = "servers: {shop: {url: 'http://127.0.0.1:1/mcp', policy: '" + policy + "'}}";
  EXPECT_EQ(run({"--config", file(config, "callgate.yaml"), "--wish", "allow get_item", "--tools", file(shop)}), Exit::ok) << err;
  EXPECT_THAT(out, testing::EndsWith(shop_policy));
  EXPECT_EQ(run({"--config", file(config, "callgate.yaml"), "--tools", file(shop)}), Exit::ok) << err;
  EXPECT_THAT(err, HasSubstr("(before: 1 tool callable, 0 ask a person, 2 refused, 1 hidden)"));
}

TEST_F(GenerateCommand, ThePolicyOfARegisteredServerIsTheOneInForce) {
  const std::string policy = world.policy(shop_policy);
  {
    const auto store = world.store();
    ASSERT_TRUE(store->servers().add({.name = "shop", .url = "http://127.0.0.1:1/mcp", .policy = policy}));
    const std::string text = R"({"name":"get_item","description":"Get an item."})";
    const auto read = json::OwnedDocument::parse(text);
    ASSERT_TRUE(store->pins().pin_first({"shop", "http://127.0.0.1:1/mcp", "legacy"}, std::vector<store::Definition>{{.tool = "get_item", .fingerprint = registry::fingerprint((*read)->root()), .text = text, .time_ms = 1}}, 1));
  }
  EXPECT_EQ(run({"--server", "shop", "--wish", "allow get_item"}), Exit::ok) << err;
  EXPECT_THAT(out, testing::EndsWith(shop_policy));
  EXPECT_THAT(err, HasSubstr("0 of 1 tools judged otherwise than now"));
  EXPECT_THAT(err, Not(HasSubstr("without a policy")));
}

TEST_F(GenerateCommand, APolicyThatCannotBeReadOrHasFaultsIsNotPassedOver) {
  EXPECT_EQ(run({"--wish", "allow get_item", "--policy", "/does/not/exist.yaml", "--tools", file(shop)}), Exit::unavailable);
  EXPECT_EQ(out, "");
  EXPECT_EQ(run({"--wish", "allow get_item", "--policy", world.policy("callgate: 1\n"), "--tools", file(shop)}), Exit::refused);
  EXPECT_EQ(out, "");
  EXPECT_THAT(err, HasSubstr("the policy in force has faults of its own"));
}

TEST_F(GenerateCommand, AsJsonItIsOneObject) {
  const auto member = [this](std::string_view key) {
    const auto read = json::OwnedDocument::parse(out);
    const auto value = read ? (*read)->root().find(key) : std::nullopt;
    return value ? value->is_string() ? value->string() : std::string(value->text()) : "(absent)";
  };
  EXPECT_EQ(run({"--json", "--tools", file(shop)}), Exit::ok) << err;
  EXPECT_EQ(member("server"), "shop");
  EXPECT_THAT(member("policy"), HasSubstr("callgate: 1\ndefault: deny"));
  EXPECT_EQ(member("effect"), "2 tools callable, 0 ask a person, 2 refused, 0 hidden");
  EXPECT_EQ(member("before"), "without a policy none is callable");
  EXPECT_EQ(run({"--json", "--wish", "limit get_item to 5 per hour", "--policy", world.policy(shop_policy), "--tools", file(shop)}), Exit::ok) << err;
  EXPECT_THAT(member("changes"), HasSubstr("`rate_limit` of `/tools/get_item` is replaced"));
  EXPECT_THAT(member("findings"), HasSubstr("counts each tool by itself"));
  EXPECT_EQ(member("faults"), "[]");
  EXPECT_EQ(run({"--json", "--wish", "dance", "--tools", file(shop)}), Exit::refused);
  EXPECT_EQ(member("policy"), "");
  EXPECT_THAT(member("faults"), HasSubstr("is no action"));
}

/// With a journal beside it.
struct GenerateFromAudit : GenerateCommand {
  void SetUp() override {
    journal = audit::Journal::open({.directory = world.folder.path() / "journal", .sync = audit::Sync::none}, world.clock, log).value();
  }
  void record(std::string_view tool, std::vector<std::string_view> keys, policy::Verdict verdict = policy::Verdict::allow) {
    (void)journal->record({.id = journal->next_id(), .server = "shop", .tool = tool, .method = "tools/call", .session = "s", .verdict = verdict, .arg_keys = keys});
    (void)journal->flush();
  }
  std::string journals() const { return (world.folder.path() / "journal").string(); }

  MemoryLog log;
  std::unique_ptr<audit::Journal> journal;
};

TEST_F(GenerateFromAudit, OnlyWhatWasUsedGetsARule) {
  record("get_item", {"id"});
  record("update_item", {"id"}, policy::Verdict::deny);
  const std::string folder = journals();
  EXPECT_EQ(run({"--from-audit", folder, "--tools", file(shop)}), Exit::ok) << err;
  EXPECT_THAT(out, HasSubstr("  get_item:"));
  EXPECT_THAT(out, Not(HasSubstr("update_item")));
  EXPECT_THAT(err, HasSubstr("learned from 1 call"));
  EXPECT_THAT(err, HasSubstr("- update_item: never called, so no rule: refused"));
  EXPECT_THAT(err, HasSubstr("no longer takes deep"));
  EXPECT_THAT(err, HasSubstr("ranges need `audit: {shapes: true}`"));
  EXPECT_THAT(out, HasSubstr("# No ranges are learned: they need `audit: {shapes: true}` while the calls are made."));
}

TEST_F(GenerateFromAudit, AJournalOfAnotherServerIsNamed) {
  record("get_item", {"id"});
  const std::string folder = journals();
  EXPECT_EQ(run({"--from-audit", folder, "--name", "depot", "--tools", file(shop)}), Exit::unavailable);
  EXPECT_THAT(err, HasSubstr("no call of a tool of `depot` was let through; it holds calls of shop: say which one by `--name`"));
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace callgate::cli::generate_command_test
