#include "policy/glob_index.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "policy/glob.hpp"
#include "policy/program.hpp"

namespace callgate::policy::glob_index_test {
namespace {

/// Short texts of few letters, so that many patterns meet many names.
std::string some_text(std::mt19937& random, std::string_view letters, std::size_t most) {
  std::string text;
  const std::size_t size = random() % (most + 1);
  for (std::size_t i = 0; i < size; ++i) text += letters[random() % letters.size()];
  return text;
}

TEST(GlobIndex, LeavesOutNoPatternThatMatches) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    GlobIndex index;
    std::vector<Glob> globs;
    for (std::uint32_t number = 0; number < 40; ++number) {
      std::string pattern = some_text(random, "ab_*?", 6);
      pattern.insert(random() % (pattern.size() + 1), "*");
      globs.emplace_back(pattern);
      index.add(globs.back().pattern(), number);
    }
    const std::string name = some_text(random, "ab_", 7);
    std::vector<bool> visited(globs.size());
    index.for_candidates(name, [&](std::uint32_t number) {
      EXPECT_FALSE(visited[number]) << "visited twice";
      visited[number] = true;
    });
    for (std::size_t number = 0; number < globs.size(); ++number) {
      if (globs[number].matches(name)) EXPECT_TRUE(visited[number]) << globs[number].pattern() << " and " << name;
    }
  }
}

TEST(RuleSet, ChoosesTheNearestGlobAndSeesATie) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    RuleSet rules;
    std::vector<Glob> globs;
    for (int i = 0; i < 12; ++i) {
      Glob glob(some_text(random, "ab?", 4) + "*" + some_text(random, "ab", 2));
      if (std::ranges::any_of(globs, [&](const Glob& other) { return other.pattern() == glob.pattern(); })) continue;
      Rule rule;
      rule.key = glob.pattern();
      rule.mark.line = static_cast<std::uint32_t>(i) + 1;
      rules.add(std::move(rule));
      globs.push_back(std::move(glob));
    }
    rules.seal();
    const std::string name = some_text(random, "ab", 6);
    std::size_t nearest = 0;
    int as_near = 0;
    for (const Glob& glob : globs) {
      if (!glob.matches(name)) continue;
      as_near = as_near == 0 || glob.literals() > nearest ? 1 : as_near + (glob.literals() == nearest ? 1 : 0);
      nearest = std::max(nearest, glob.literals());
    }
    const RuleSet::Choice choice = rules.choose(name);
    EXPECT_EQ(choice.rule != nullptr, as_near > 0) << name;
    EXPECT_EQ(choice.tie != nullptr, as_near > 1) << name;
    if (choice.rule != nullptr) EXPECT_EQ(Glob(choice.rule->key).literals(), nearest);
  }
}

}  // namespace
}  // namespace callgate::policy::glob_index_test
