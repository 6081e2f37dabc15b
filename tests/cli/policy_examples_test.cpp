#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/tool_classes.hpp"
#include "config/fake_environment.hpp"
#include "config/load.hpp"
#include "config/text_file.hpp"
#include "policy/load.hpp"

namespace callgate::policy_examples_test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> example_folders() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(CALLGATE_SOURCE_DIR) / "examples")) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

class Examples : public testing::TestWithParam<std::string> {
 protected:
  fs::path folder() const { return fs::path(CALLGATE_SOURCE_DIR) / "examples" / GetParam(); }
};

TEST_P(Examples, TheConfigurationLoadsAndNamesThePolicyBesideIt) {
  config::FakeEnvironment environment;
  environment.variables["BILLING_TOKEN"] = "secret";
  const auto text = config::read_text(folder() / "callgate.yaml");
  ASSERT_TRUE(text) << text.error().message;
  const config::Loaded loaded = config::parse_config(*text, folder() / "callgate.yaml", environment);
  for (const Error& fault : loaded.faults) ADD_FAILURE() << fault.where << ": " << fault.message;
  ASSERT_TRUE(loaded.config);
  ASSERT_EQ(loaded.config->servers.size(), 1u);
  EXPECT_EQ(loaded.config->servers[0].policy, folder() / "policy.yaml");
}

TEST_P(Examples, ThePolicyIsCleanAndItsExpectationsHold) {
  const auto text = config::read_text(folder() / "policy.yaml");
  ASSERT_TRUE(text) << text.error().message;
  // Rules by class and the types of conditions need the list of tools beside it.
  std::optional<policy::ToolList> tools;
  if (const auto list = config::read_text(folder() / "tools.json")) {
    auto parsed = policy::ToolList::parse(*list, cli::listed_tool_classes());
    ASSERT_TRUE(parsed) << parsed.error().message;
    tools = std::move(*parsed);
  }
  const policy::ToolList* known = tools ? &*tools : nullptr;
  const policy::Loaded loaded = policy::load(*text, "policy.yaml", known);
  for (const Error& fault : loaded.faults) ADD_FAILURE() << fault.where << ": " << fault.message;
  for (const Error& warning : loaded.warnings) ADD_FAILURE() << warning.where << ": " << warning.message;
  EXPECT_FALSE(loaded.expectations.empty());
  for (const policy::Expectation& each : loaded.expectations) {
    const policy::Outcome outcome = policy::run(*loaded.policy, each, known);
    EXPECT_TRUE(outcome.held) << each.where << ": " << outcome.message;
  }
}

INSTANTIATE_TEST_SUITE_P(Folders, Examples, testing::ValuesIn(example_folders()), [](const auto& row) { return row.param; });

}  // namespace
}  // namespace callgate::policy_examples_test
