#include "cli/counters_place.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "audit/world.hpp"
#include "base/sha256.hpp"

namespace callgate::cli::counters_place_test {
namespace {

using audit::test::Folder;

config::Server server_at(const std::string& url) {
  config::Server server;
  server.name = "notes";
  server.url = url;
  server.policy = "/policies/notes.yaml";
  return server;
}

config::Server command_with(const std::string& token) {
  config::Server server = server_at({});
  server.command = {"notes-server", "--api-key", token};
  return server;
}

/// As files were named before servers were known without their credentials.
std::string stem_of_before(const config::Server& server) {
  return "run-notes-" + sha256_hex(server.name + '\0' + server.exact_address() + '\0' + server.policy.string()).substr(0, 16);
}

TEST(CountersPlaceTest, AnotherCredentialIsNoOtherServerAndAnotherAddressIs) {
  EXPECT_EQ(counters_stems(server_at("https://x/mcp?token=one-1")).front(), counters_stems(server_at("https://x/mcp?token=two-2")).front());
  EXPECT_EQ(counters_stems(command_with("one-1")).front(), counters_stems(command_with("two-2")).front());
  EXPECT_NE(counters_stems(server_at("https://x/mcp?token=one-1")).front(), counters_stems(server_at("https://y/mcp?token=one-1")).front());
  EXPECT_EQ(counters_stems(server_at("https://x/mcp")).size(), 1U) << "without a credential nothing was named otherwise";
}

TEST(CountersPlaceTest, WhatWasKeptUnderTheCredentialIsTakenUpOnce) {
  const Folder folder;
  const config::Server server = command_with("one-1");
  std::filesystem::create_directories(folder / "counters");
  const auto before = std::filesystem::path(folder / "counters") / (stem_of_before(server) + ".bin");
  const auto second = std::filesystem::path(folder / "counters") / (stem_of_before(server) + ".2.bin");
  std::ofstream(before) << "counts";
  std::ofstream(second) << "counts";
  {
    auto place = CountersPlace::take(folder / "counters", counters_stems(server));
    ASSERT_TRUE(place.has_value());
    EXPECT_NE(place->file(), before);
    EXPECT_EQ(place->left_behind(), (std::vector<std::filesystem::path>{before, second}));
    EXPECT_FALSE(place->shared());
    auto another = CountersPlace::take(folder / "counters", counters_stems(server));
    ASSERT_TRUE(another.has_value());
    EXPECT_TRUE(another->left_behind().empty()) << "nobody takes up what another is about to keep";
    place->remove_left_behind();
  }
  EXPECT_FALSE(std::filesystem::exists(before) || std::filesystem::exists(second));
}

TEST(CountersPlaceTest, AFileOfBeforeWhoseProcessLivesStaysItsOwn) {
  const Folder folder;
  const config::Server server = server_at("https://x/mcp?token=one-1");
  const std::vector<std::string> stems{stem_of_before(server)};
  std::filesystem::create_directories(folder / "counters");
  const auto alive = CountersPlace::take(folder / "counters", stems);
  ASSERT_TRUE(alive.has_value());
  std::ofstream(alive->file()) << "counts";
  const auto place = CountersPlace::take(folder / "counters", counters_stems(server));
  ASSERT_TRUE(place.has_value());
  EXPECT_TRUE(place->shared());
  EXPECT_TRUE(place->left_behind().empty());
}

}  // namespace
}  // namespace callgate::cli::counters_place_test
