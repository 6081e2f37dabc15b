#include "net/chunked.hpp"

#include <gtest/gtest.h>

namespace callgate::net::chunked_test {
namespace {

/// Feeds `coded` in steps of `step` bytes, as a connection does; false where it is refused.
bool feed(ChunkedBody& body, std::string_view coded, std::size_t step, std::string& out, std::string& waiting) {
  for (std::size_t at = 0; at < coded.size() && !body.done(); at += step) {
    waiting += coded.substr(at, step);
    const auto taken = body.feed(waiting, out);
    if (!taken) return false;
    waiting.erase(0, *taken);
  }
  return true;
}

TEST(ChunkedBody, IsDecodedFromPiecesOfAnySize) {
  const std::string coded = "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\nREST";
  for (std::size_t step = 1; step <= coded.size(); ++step) {
    ChunkedBody body;
    std::string out;
    std::string waiting;
    ASSERT_TRUE(feed(body, coded, step, out, waiting)) << "in steps of " << step;
    EXPECT_TRUE(body.done());
    EXPECT_EQ(out, "abc0123456789") << "in steps of " << step;
    EXPECT_TRUE(std::string("REST").starts_with(waiting)) << "what follows is left alone";
  }
}

struct Refused {
  std::string name;
  std::string coded;
};

class RefusedChunks : public testing::TestWithParam<Refused> {};

/// Security requirement S13: chunks that two readers could read in two ways.
TEST_P(RefusedChunks, InOnePieceAndByteByByte) {
  for (const std::size_t step : {std::size_t{1}, GetParam().coded.size()}) {
    ChunkedBody body;
    std::string out;
    std::string waiting;
    EXPECT_FALSE(feed(body, GetParam().coded, step, out, waiting)) << "in steps of " << step;
    EXPECT_FALSE(body.done());
  }
}

INSTANTIATE_TEST_SUITE_P(Http, RefusedChunks, testing::Values(
    Refused{"size_of_letters", "xyz\r\nabc\r\n"},
    Refused{"size_with_a_sign", "-1\r\n"},
    Refused{"size_with_0x", "0x3\r\nabc\r\n"},
    Refused{"empty_size", "\r\nabc\r\n"},
    Refused{"blank_before_the_size", " 3\r\nabc\r\n"},
    Refused{"size_that_overflows", "fffffffffffffffffff\r\n"},
    Refused{"longer_than_it_says", "3\r\nabcdef\r\n0\r\n\r\n"},
    Refused{"bare_line_feed", "3\nabc\n0\n\n"},
    Refused{"bare_line_feed_after_data", "3\r\nabc\n0\r\n\r\n"},
    Refused{"control_character_in_an_extension", std::string("3;\0\r\nabc\r\n", 10)},
    Refused{"carriage_return_in_an_extension", "3;a\rb\r\nabc\r\n"},
    Refused{"text_behind_the_size", "3 abc\r\nabc\r\n"},
    Refused{"line_without_an_end", std::string(2000, 'a')},
    Refused{"trailer_without_a_colon", "0\r\nabc\r\n0\r\n\r\n"},
    Refused{"trailer_with_a_folded_line", "0\r\na: b\r\n c: d\r\n\r\n"},
    Refused{"endless_trailers", [] { std::string all = "0\r\n"; for (int i = 0; i < 2000; ++i) all += "a: bcdef\r\n"; return all; }()}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace callgate::net::chunked_test
