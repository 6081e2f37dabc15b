#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "cel/world.hpp"

/// What an evaluation costs: a figure in the output, no bound on machines that are busy.
namespace callgate::cel::cost_test {
namespace {

struct Row {
  const char* name;
  const char* text;
};

TEST(Cost, OfOneEvaluationIsPrinted) {
  const auto args = document(R"({"command":"SET","key":"user:1","amount":501.25,"tags":["a","b","c"],"args":["k","some text that is not so short"]})");
  const std::vector<Value> variables = {Value::document(args->root()), Value::text("tool"), Value::text("High")};
  constexpr int times = 100'000;
  for (const Row& row : std::vector<Row>{{"compare", "args.amount > 500"},
                                         {"membership", "args.command in [\"GET\", \"MGET\", \"SET\"]"},
                                         {"has", "has(args.note) && args.note == \"x\""},
                                         {"example", "args.command == \"SET\" && size(args.args) > 1 && size(args.args[1]) > 65536"},
                                         {"class", "tool.risk in [\"High\", \"Critical\"]"}}) {
    const auto expression = Expression::parse(row.text, scope());
    ASSERT_TRUE(expression);
    int truths = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < times; ++i) {
      Budget budget;
      truths += expression->evaluate(variables, budget).is(true) ? 1 : 0;
    }
    const auto each = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count() / times;
    std::printf("[ measured ] %-10s %7.1f ns an evaluation\n", row.name, each);
    EXPECT_TRUE(truths == 0 || truths == times);
  }
}

}  // namespace
}  // namespace callgate::cel::cost_test
