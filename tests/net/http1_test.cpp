#include "net/http1.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <random>
#include <string>
#include <vector>

namespace callgate::net::http1_test {
namespace {

struct Row {
  const char* name;
  std::string head;
};

Result<void> read(const std::string& head, RequestHead& out) { return read_request_head(head, {}, out); }

class RefusedHead : public testing::TestWithParam<Row> {};

/// Protocol item 8.
TEST_P(RefusedHead, IsNotRead) {
  RequestHead out;
  EXPECT_FALSE(read(GetParam().head, out).has_value());
}

/// Security requirement S13, a row a clause.
INSTANTIATE_TEST_SUITE_P(
    S13, RefusedHead,
    testing::Values(
        Row{"length_and_coding", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"},
        Row{"length_twice", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n"},
        Row{"length_list", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n\r\n"},
        Row{"length_sign", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n"},
        Row{"length_hex", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2\r\n\r\n"},
        Row{"length_empty", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"},
        Row{"length_overflow", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"},
        Row{"coding_twice", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
        Row{"coding_gzip", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
        Row{"coding_xchunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"},
        Row{"coding_identity", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n"},
        Row{"coding_in_1_0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"},
        Row{"folded", "POST / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n"},
        Row{"folded_length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 2\r\n\r\n"},
        Row{"space_before_colon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 2\r\n\r\n"},
        Row{"bare_lf", "POST / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"},
        Row{"bare_cr", "POST / HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n"},
        Row{"nul_in_value", std::string("POST / HTTP/1.1\r\nHost: a\r\nX: b") + std::string(1, '\0') + "\r\n\r\n"},
        Row{"no_colon", "POST / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n"},
        Row{"empty_name", "POST / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"},
        Row{"no_host", "POST / HTTP/1.1\r\nX: b\r\n\r\n"},
        Row{"two_hosts", "POST / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
        Row{"http_2", "POST / HTTP/2.0\r\nHost: a\r\n\r\n"},
        Row{"no_version", "POST /\r\nHost: a\r\n\r\n"},
        Row{"absolute_of_another_host", "POST http://b/mcp HTTP/1.1\r\nHost: a\r\n\r\n"},
        Row{"absolute_of_another_port", "POST http://a:81/mcp HTTP/1.1\r\nHost: a:80\r\n\r\n"},
        Row{"absolute_with_user", "POST http://a@b/mcp HTTP/1.1\r\nHost: b\r\n\r\n"},
        Row{"absolute_without_path", "POST http://a?x HTTP/1.1\r\nHost: a\r\n\r\n"},
        Row{"space_in_target", "POST /a b HTTP/1.1\r\nHost: a\r\n\r\n"},
        Row{"leading_space", " POST / HTTP/1.1\r\nHost: a\r\n\r\n"},
        Row{"long_target", "POST /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"},
        Row{"large_head", "POST / HTTP/1.1\r\nHost: a\r\nX: " + std::string(40000, 'a') + "\r\n\r\n"}),
    [](const auto& row) { return row.param.name; });

TEST(RequestHead, ManyHeadersAreRefused) {
  std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 99; ++i) head += "X: 1\r\n";
  RequestHead out;
  EXPECT_TRUE(read(head + "\r\n", out).has_value());
  EXPECT_FALSE(read(head + "X: 1\r\n\r\n", out).has_value());
}

TEST(RequestHead, IsTakenApart) {
  const std::string head =
      "POST /mcp?x=1 HTTP/1.1\r\nHost: gate:80\r\nContent-Length: 12\r\nX-Empty:\r\nMcp-Name:  a b \r\nConnection: Upgrade, Close\r\n\r\n";
  RequestHead out;
  ASSERT_TRUE(read(head, out).has_value());
  EXPECT_EQ(out.method, "POST");
  EXPECT_EQ(out.target, "/mcp?x=1");
  EXPECT_EQ(out.content_length, 12U);
  EXPECT_FALSE(out.keep_alive);
  EXPECT_EQ(out.headers.find("mcp-name"), "a b");
  EXPECT_TRUE(out.headers.has("x-empty"));
  EXPECT_FALSE(out.headers.has("absent"));
}

/// RFC 9112 section 3.2.2: a server must take it, also where no proxy stands before it.
TEST(RequestHead, AnAddressInAbsoluteFormIsItsPath) {
  struct Line {
    std::string head;  ///< the target points into it
    std::string_view target;
  };
  for (const Line& line : {Line{"POST http://Gate:80/mcp?x=1 HTTP/1.1\r\nHost: gate:80\r\n\r\n", "/mcp?x=1"},
                           Line{"POST HTTPS://gate HTTP/1.1\r\nHost: gate\r\n\r\n", "/"},
                           Line{"POST /to?back=http://b/ HTTP/1.1\r\nHost: gate\r\n\r\n", "/to?back=http://b/"}}) {
    RequestHead out;
    ASSERT_TRUE(read(line.head, out).has_value()) << line.head;
    EXPECT_EQ(out.target, line.target);
  }
}

TEST(RequestHead, VersionsSayWhetherTheConnectionIsKept) {
  RequestHead out;
  ASSERT_TRUE(read("GET / HTTP/1.1\r\nHost: a\r\n\r\n", out).has_value());
  EXPECT_TRUE(out.keep_alive);
  ASSERT_TRUE(read("GET / HTTP/1.0\r\nHost: a\r\n\r\n", out).has_value());
  EXPECT_FALSE(out.keep_alive);
}

TEST(HeadSize, FindsTheBlankLineInPieces) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\nbody";
  EXPECT_EQ(head_size(head.substr(0, 20), 0), 0U);
  EXPECT_EQ(head_size(head, 20), head.size() - 4);
  EXPECT_EQ(head_size(head, head.size() - 5), head.size() - 4);
}

/// Held against a plain search, with what is nearly a blank line at every distance from the blocks that are looked at together.
TEST(HeadSize, FindsTheFirstBlankLineWhereverItStands) {
  const auto searched = [](std::string_view bytes, std::size_t from) {
    const std::size_t end = bytes.find("\r\n\r\n", from < 3 ? 0 : from - 3);
    return end == std::string_view::npos ? 0 : end + 4;
  };
  std::mt19937 random(7);
  constexpr std::array<std::string_view, 8> pieces{"\r\n", "\r", "\n", "a", "\r\r", "Host: example.org", "\r\n\r", "\r\n\r\n"};
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 20, 'x');
    for (std::size_t count = random() % 12; count > 0; --count) bytes += pieces[random() % pieces.size()];
    const std::size_t from = random() % (bytes.size() + 4);
    // Of its own memory, so that a sanitizer sees a look behind its end.
    const std::vector<char> own(bytes.begin(), bytes.end());
    ASSERT_EQ(head_size({own.data(), own.size()}, from), searched(bytes, from)) << testing::PrintToString(bytes) << " from " << from;
  }
}

TEST(ResponseHead, IsTakenApart) {
  ResponseHead out;
  ASSERT_TRUE(read_response_head("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", {}, out).has_value());
  EXPECT_EQ(out.status, 404);
  EXPECT_EQ(out.content_length, 0U);
  EXPECT_FALSE(read_response_head("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", {}, out).has_value());
  EXPECT_FALSE(read_response_head("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", {}, out).has_value());
  EXPECT_FALSE(read_response_head("HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n", {}, out).has_value());
}

constexpr std::string_view marks = "!#$%&'*+-.^_`|~";  // RFC 9110 section 5.6.2

bool may_stand_in_a_name(unsigned char byte) { return std::isalnum(byte) != 0 || marks.contains(static_cast<char>(byte)); }

TEST(FieldNames, HoldTokenBytesOnlyWhateverTheirLength) {
  for (std::size_t size = 1; size < 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (unsigned byte = 0; byte < 0x100; ++byte) {
        if (byte == ':' && at != 0) continue;  // ends the name
        std::string name(size, 'x');
        name[at] = static_cast<char>(byte);
        RequestHead out;
        ASSERT_EQ(read("POST / HTTP/1.1\r\nHost: a\r\n" + name + ":b\r\n\r\n", out).has_value(), may_stand_in_a_name(static_cast<unsigned char>(byte)))
            << byte << " at " << at << " of " << size;
      }
    }
  }
}

TEST(FieldNames, AreKnownInAnyCaseAndInNoOtherSpelling) {
  for (const std::string_view known : {"Host", "Expect", "Origin", "Connection", "Content-Type", "Authorization", "Last-Event-ID", "Content-Length",
                                       "Mcp-Session-Id", "Content-Encoding", "Proxy-Connection", "Transfer-Encoding", "MCP-Protocol-Version"}) {
    const HeaderName name = header_name(known);
    EXPECT_NE(name, HeaderName::other) << known;
    for (std::size_t at = 0; at < known.size(); ++at) {
      for (unsigned byte = 0; byte < 0x80; ++byte) {
        if (!may_stand_in_a_name(static_cast<unsigned char>(byte))) continue;
        std::string text(known);
        text[at] = static_cast<char>(byte);
        ASSERT_EQ(header_name(text), same_name(text, known) ? name : HeaderName::other) << text;
      }
    }
    EXPECT_EQ(header_name(std::string(known) + "s"), HeaderName::other);
    EXPECT_EQ(header_name(known.substr(1)), HeaderName::other);
  }
  EXPECT_EQ(header_name("a"), HeaderName::other);
  EXPECT_EQ(header_name(""), HeaderName::other);
}

}  // namespace
}  // namespace callgate::net::http1_test
