#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "generate/world.hpp"

namespace callgate::generate::lists_test {
namespace {

/// What came of all rules of some lists.
struct Counts {
  std::size_t tools = 0;
  std::size_t untested = 0;  ///< for want of a call that would pass
  std::size_t clauses = 0;
  std::size_t tests = 0;

  void add(const World& world) {
    for (const Rule& rule : world.made.rules) {
      ++tools;
      untested += rule.tests.empty() ? 1U : 0U;
      if (rule.tests.empty()) std::cerr << "without a test: " << rule.tool << "\n";
      clauses += rule.clauses.size();
      tests += rule.tests.size();
    }
  }
};

std::string all_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Saved lists of real servers belong to their authors and are not in this
/// repository: CALLGATE_LISTS names a folder of them.
TEST(Lists, APolicyMadeForEachSavedListPassesItsOwnCheckAndTests) {
  const char* folder = std::getenv("CALLGATE_LISTS");
  if (folder == nullptr) GTEST_SKIP() << "CALLGATE_LISTS names no folder of saved lists";
  Counts counts;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto document = json::OwnedDocument::parse(all_of(entry.path()), {.max_depth = 520, .check_number_range = false});
    ASSERT_TRUE(document) << entry.path();
    const World world((*document)->root().find("tools")->text());
    EXPECT_EQ(world.faults(), "") << entry.path() << "\n" << world.made.text;
    counts.add(world);
  }
  std::cerr << counts.tools << " tools, " << counts.clauses << " clauses on arguments, " << counts.tests << " tests, " << counts.untested << " tools without one\n";
}

}  // namespace
}  // namespace callgate::generate::lists_test
