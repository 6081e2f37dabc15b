#include "cli/grant_command.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"
#include "cli/offline_world.hpp"
#include "store/grant_table.hpp"

namespace callgate::cli::grant_command_test {
namespace {

class GrantCommand : public testing::Test {
 protected:
  Exit run(std::vector<std::string_view> args) { return world_.run(&grant, std::move(args)); }
  const std::string& out() const { return world_.out; }
  const std::string& err() const { return world_.err; }

  /// What a gateway knows of the token now: the grant's name, or nothing.
  std::string known_as(std::string_view token) {
    const store::GrantTable table(world_.store()->grants().list().value());
    const store::Grant* found = table.find(token, world_.clock.wall_ms());
    return found == nullptr ? "" : found->name;
  }
  /// Makes a grant and answers its token.
  std::string create(std::string_view name) {
    EXPECT_EQ(run({"create", name, "--server", "valkey", "--policy", policy_}), Exit::ok) << err();
    return out().substr(0, out().find('\n'));
  }

  OfflineWorld world_;
  std::string policy_ = world_.policy();
};

TEST_F(GrantCommand, TheTokenStandsAloneOnTheStandardOutput) {
  const std::string token = create("ana");
  EXPECT_EQ(out(), token + "\n");
  EXPECT_EQ(token.size(), 46U);
  EXPECT_TRUE(token.starts_with("cg_"));
  EXPECT_NE(err().find("shown this once"), std::string::npos);
  EXPECT_EQ(err().find(token), std::string::npos);
  EXPECT_EQ(known_as(token), "ana");
}

TEST_F(GrantCommand, NoListShowsATokenOrItsHash) {
  const std::string token = create("ana");
  for (const std::vector<std::string_view>& args : {std::vector<std::string_view>{"list"}, {"list", "--json"}}) {
    ASSERT_EQ(run(args), Exit::ok);
    EXPECT_EQ(out().find(token.substr(3)), std::string::npos);
    EXPECT_EQ(out().find(hex(store::hash_token(token))), std::string::npos);
    EXPECT_NE(out().find("ana"), std::string::npos);
  }
}

TEST_F(GrantCommand, ALineOfTheListNamesServerStatePolicyAndTimes) {
  ASSERT_EQ(run({"create", "ana", "--server", "valkey", "--policy", policy_, "--expires", "90d"}), Exit::ok);
  ASSERT_EQ(run({"list"}), Exit::ok);
  EXPECT_EQ(out().substr(26), "  ana  valkey  live  policy: " + policy_ + "  created 2025-06-15 15:06  expires 2025-09-13 15:06\n");
}

TEST_F(GrantCommand, AnExpiredGrantIsGoodForNothing) {
  ASSERT_EQ(run({"create", "ana", "--server", "valkey", "--policy", policy_, "--expires", "1h"}), Exit::ok);
  const std::string token = out().substr(0, out().find('\n'));
  world_.clock.advance(std::chrono::minutes(59));
  EXPECT_EQ(known_as(token), "ana");
  world_.clock.advance(std::chrono::minutes(1));
  EXPECT_EQ(known_as(token), "");
  ASSERT_EQ(run({"list", "--json"}), Exit::ok);
  EXPECT_NE(out().find(R"("state":"expired")"), std::string::npos) << out();
}

TEST_F(GrantCommand, RotateEndsTheOldTokenAtOnce) {
  const std::string old_token = create("ana");
  ASSERT_EQ(run({"rotate", "ana"}), Exit::ok) << err();
  const std::string new_token = out().substr(0, out().find('\n'));
  EXPECT_NE(new_token, old_token);
  EXPECT_EQ(known_as(old_token), "");
  EXPECT_EQ(known_as(new_token), "ana");
}

TEST_F(GrantCommand, RevokeEndsTheGrantForGood) {
  const std::string token = create("ana");
  ASSERT_EQ(run({"revoke", "ana"}), Exit::ok);
  EXPECT_EQ(known_as(token), "");
  EXPECT_EQ(run({"rotate", "ana"}), Exit::refused);
  EXPECT_EQ(run({"revoke", "ana"}), Exit::refused);
  const std::string again = create("ana");
  EXPECT_EQ(known_as(again), "ana");
}

TEST_F(GrantCommand, AGrantIsNamedByItsIdToo) {
  create("ana");
  const std::string id = world_.store()->grants().find("ana").value()->id;
  ASSERT_EQ(run({"revoke", id, "--json"}), Exit::ok);
  EXPECT_NE(out().find(R"("state":"revoked")"), std::string::npos);
  EXPECT_EQ(run({"revoke", id}), Exit::refused);
  EXPECT_NE(err().find("is revoked; create another"), std::string::npos);
}

TEST_F(GrantCommand, JsonHoldsTheTokenOfANewGrant) {
  ASSERT_EQ(run({"create", "ana", "--server", "valkey", "--json"}), Exit::ok);
  const auto read = json::OwnedDocument::parse(out());
  ASSERT_TRUE(read) << out();
  EXPECT_EQ(known_as((*read)->root().find("token")->string()), "ana");
  EXPECT_TRUE((*read)->root().find("expires")->is_null());
}

TEST_F(GrantCommand, WhatWillNotWorkYetIsSaid) {
  ASSERT_EQ(run({"create", "ana", "--server", "valkey"}), Exit::ok);
  EXPECT_NE(err().find("without `--policy` the grant is denied everything"), std::string::npos);
  EXPECT_NE(err().find("no server `valkey` is known here yet"), std::string::npos);
}

struct Fault {
  const char* name;
  std::vector<std::string_view> args;
  Exit exit;
  const char* message;
};

class GrantFault : public GrantCommand, public testing::WithParamInterface<Fault> {};

INSTANTIATE_TEST_SUITE_P(
    Grant, GrantFault,
    testing::Values(Fault{"nothing", {}, Exit::usage, "say what to do: create, list, rotate, revoke"},
                    Fault{"no_server", {"create", "ana"}, Exit::usage, "needs `--server NAME`"},
                    Fault{"name", {"create", "a b", "--server", "s"}, Exit::usage, "`a b` is no grant name"},
                    Fault{"server_name", {"create", "a", "--server", "s/t"}, Exit::usage, "`s/t` is no server name"},
                    Fault{"no_server_behind_a_comma", {"create", "a", "--server", "s,"}, Exit::usage, "`` is no server name"},
                    Fault{"server_twice", {"create", "a", "--server", "s,t,s"}, Exit::usage, "names `s` twice"},
                    Fault{"expires", {"create", "a", "--server", "s", "--expires", "soon"}, Exit::usage, "`soon` is no duration"},
                    Fault{"expires_now", {"create", "a", "--server", "s", "--expires", "0"}, Exit::usage, "more than nothing"},
                    Fault{"policy", {"create", "a", "--server", "s", "--policy", "/nonexistent"}, Exit::unavailable, "cannot open"},
                    Fault{"unknown", {"revoke", "bob"}, Exit::refused, "no grant `bob` is known here"},
                    Fault{"command", {"list", "--", "x"}, Exit::usage, "knows no flag `--`"}),
    [](const auto& row) { return row.param.name; });

TEST_P(GrantFault, IsSaidOnTheErrorStreamAndMakesNoGrant) {
  EXPECT_EQ(run(GetParam().args), GetParam().exit);
  EXPECT_NE(err().find(GetParam().message), std::string::npos) << err();
  EXPECT_EQ(out(), "");
  EXPECT_TRUE(world_.store()->grants().list().value().empty());
}

TEST_F(GrantCommand, OneMayBeGoodForSeveralServers) {
  ASSERT_EQ(run({"create", "ana", "--server", "files,billing"}), Exit::ok) << err();
  EXPECT_NE(err().find("no server `files` is known here yet"), std::string::npos);
  EXPECT_NE(err().find("no server `billing` is known here yet"), std::string::npos);
  EXPECT_EQ(world_.store()->grants().list().value().at(0).server, "files,billing");
}

TEST_F(GrantCommand, ATakenNameIsRefusedAndNoTokenIsPrinted) {
  create("ana");
  EXPECT_EQ(run({"create", "ana", "--server", "other"}), Exit::refused);
  EXPECT_EQ(out(), "");
  EXPECT_NE(err().find("a grant `ana` exists already"), std::string::npos);
}

TEST_F(GrantCommand, HelpHasAnExample) {
  EXPECT_EQ(run({"--help"}), Exit::ok);
  EXPECT_NE(out().find("Example:"), std::string::npos);
}

TEST_F(GrantCommand, OfAVerbThatThereIsNotNobodyIsHelped) {
  EXPECT_EQ(run({"creat", "--help"}), Exit::usage);
  EXPECT_EQ(out(), "");
  EXPECT_NE(err().find("did you mean `create`?"), std::string::npos) << err();
}

}  // namespace
}  // namespace callgate::cli::grant_command_test
