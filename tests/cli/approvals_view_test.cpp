#include "cli/approvals_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace callgate::cli::approvals_view_test {
namespace {

using testing::HasSubstr;

TEST(ApprovalsView, TimesOfTheApiAreReadAndAnythingElseIsNone) {
  EXPECT_EQ(read_utc("2025-06-15T15:06:40.000Z"), 1'750'000'000'000);
  EXPECT_EQ(read_utc("1970-01-01T00:00:00.123Z"), 123);
  for (const char* text : {"", "2025-06-15", "2025-06-15T15:06:40Z", "2025-13-15T15:06:40.000Z",
                           "2025-06-15 15:06:40.000Z", "2025-06-15T15:06:4x.000Z"}) {
    EXPECT_EQ(read_utc(text), 0) << text;
  }
}

struct Span {
  std::int64_t ms;
  std::string text;
};

class SpanText : public testing::TestWithParam<Span> {};

TEST_P(SpanText, IsShortEnoughForATable) { EXPECT_EQ(span_text(GetParam().ms), GetParam().text); }

INSTANTIATE_TEST_SUITE_P(ApprovalsView, SpanText,
                         testing::Values(Span{-5, "0s"}, Span{999, "0s"}, Span{59'999, "59s"}, Span{60'000, "1m 0s"},
                                         Span{588'000, "9m 48s"}, Span{3'599'999, "59m 59s"}, Span{3'600'000, "1h 0m"},
                                         Span{90'061'000, "1d 1h"}));

TEST(ApprovalsView, LongAndHostileNamesKeepTheTableWhole) {
  std::ostringstream out;
  const ApprovalView hostile{.id = "01ARZ3NDEKTSV4RRFFQ69G5FAV",
                             .state = "waiting",
                             .server = "päge",
                             .tool = "\x1b[2J" + std::string(60, 'x'),
                             .grant = "a\nb"};
  write_approvals(out, std::vector{hostile}, Columns::waiting, {});
  EXPECT_THAT(out.str(), HasSubstr(R"(\u{001b}[2J)" + std::string(28, 'x') + "…"));
  EXPECT_THAT(out.str(), HasSubstr(R"(a\u{000a}b)"));
  EXPECT_EQ(std::ranges::count(out.str(), '\n'), 2);
}

TEST(ApprovalsView, WithoutAGrantTheSessionIsNamedByItsStart) {
  for (const auto& [session, who] : {std::pair{"", "anybody"}, {"s1", "session s1"}, {"0123456789abcdef", "session 01234567…"}}) {
    std::ostringstream out;
    write_approval(out, {.id = "i", .state = "waiting", .session = session}, {});
    EXPECT_THAT(out.str(), HasSubstr(std::string("  who        ") + who + ","));
  }
}

TEST(ApprovalsView, AnswerWithoutIdOrStateIsNoApproval) {
  const auto document = json::OwnedDocument::parse(R"({"id":"x"})");
  EXPECT_EQ(read_approval((*document)->root()).error().kind, ErrorKind::malformed);
}

TEST(ApprovalsView, FinishedOneShowsItsAnswerAndNoTimeLeft) {
  std::ostringstream out;
  const ApprovalView denied{.id = "i", .state = "denied", .arguments = "{}", .answered_by = "operator", .answer_reason = "no"};
  write_approval(out, denied, {});
  EXPECT_THAT(out.str(), HasSubstr("approval i, denied\n"));
  EXPECT_THAT(out.str(), HasSubstr("  arguments  {}\n"));
  EXPECT_THAT(out.str(), HasSubstr("  answer     operator: no\n"));
}

}  // namespace
}  // namespace callgate::cli::approvals_view_test
