#include "mcp/sse.hpp"

#include <chrono>
#include <vector>

#include <gtest/gtest.h>

namespace callgate::mcp::sse_test {
namespace {

/// What was read, as text: data, or `-` for a block without data; then type, id, retry.
std::string shown(const SseEvent& event) {
  std::string out = event.has_data ? "[" + std::string(event.data) + "]" : "-";
  if (!event.type.empty()) out += " type=" + std::string(event.type);
  if (event.id) out += " id=" + std::string(*event.id);
  if (event.retry) out += " retry=" + std::string(*event.retry);
  return out;
}

struct Seen {
  std::vector<std::string> events;
  std::string raw;
};

/// Feeds the stream in chunks of `size` bytes.
Seen read_in_chunks(std::string_view stream, std::size_t size) {
  Seen seen;
  SseReader reader(1 << 20);
  for (std::size_t at = 0; at < stream.size(); at += size) {
    reader.push(stream.substr(at, size));
    for (;;) {
      const auto event = reader.next();
      if (!event || !*event) break;
      seen.events.push_back(shown(**event));
      seen.raw += (*event)->raw;
    }
  }
  return seen;
}

struct Row {
  const char* name;
  std::string stream;
  std::vector<std::string> events;
  std::size_t left = 0;  ///< bytes at the end that belong to no event
};

class EventStream : public testing::TestWithParam<Row> {};

/// Protocol item 76.
TEST_P(EventStream, IsReadTheSameHoweverItIsCut) {
  const std::string& stream = GetParam().stream;
  for (std::size_t size = 1; size <= stream.size() + 1; ++size) {
    const Seen seen = read_in_chunks(stream, size);
    EXPECT_EQ(seen.events, GetParam().events) << "in chunks of " << size;
  }
}

TEST_P(EventStream, IsPassedOnByteForByte) {
  std::string stream = GetParam().stream;
  stream.resize(stream.size() - GetParam().left);
  const std::string_view want = stream.starts_with("\xef\xbb\xbf") ? std::string_view(stream).substr(3) : std::string_view(stream);
  EXPECT_EQ(read_in_chunks(GetParam().stream, GetParam().stream.size()).raw, want);
  // An LF that follows the CR of the blank line travels with the event after it.
  EXPECT_TRUE(want.starts_with(read_in_chunks(GetParam().stream, 1).raw));
}

INSTANTIATE_TEST_SUITE_P(Sse, EventStream, testing::Values(
    Row{"one", "data: {}\n\n", {"[{}]"}},
    Row{"no_space", "data:{}\n\n", {"[{}]"}},
    Row{"two_spaces", "data:  {}\n\n", {"[ {}]"}},
    Row{"crlf", "event: message\r\ndata: a\r\n\r\ndata: b\r\n\r\n", {"[a] type=message", "[b]"}},
    Row{"cr", "data: a\r\rdata: b\r\r", {"[a]", "[b]"}},
    Row{"mixed", "data: a\r\n\ndata: b\n\r\ndata: c\r\n\r", {"[a]", "[b]", "[c]"}},
    Row{"lines_joined", "data: a\ndata: b\ndata:\ndata: c\n\n", {"[a\nb\n\nc]"}},
    Row{"mark", "\xef\xbb\xbf" "data: a\n\n", {"[a]"}},
    Row{"mark_later_is_part_of_a_field_name", "data: a\n\n\xef\xbb\xbf" "data: b\n\n", {"[a]", "-"}},
    Row{"comment", ": ping\n\n", {"-"}},
    Row{"comment_with_data", ": ping\ndata: a\n\n", {"[a]"}},
    Row{"priming", "id: 7\nretry: 500\ndata: \n\n", {"[] id=7 retry=500"}},
    Row{"retry_not_digits", "retry: 5s\ndata: a\n\n", {"[a]"}},
    Row{"empty_id", "id\ndata: a\n\n", {"[a] id="}},
    Row{"id_with_nul", std::string("id: a\0b\ndata: a\n\n", 17), {"[a]"}},
    Row{"unknown_field", "x: y\ndata: a\nDATA: b\n\n", {"[a]"}},
    Row{"field_without_colon", "data\ndata\n\n", {"[\n]"}},
    Row{"other_type", "event: endpoint\ndata: /x\n\n", {"[/x] type=endpoint"}},
    Row{"utf8", "data: \"\u4e16\U0001f600\"\n\n", {"[\"\u4e16\U0001f600\"]"}},
    Row{"cut_off", "data: a\n\ndata: b\n", {"[a]"}, 8},
    Row{"blank_lines", "\n\ndata: a\n\n\n", {"-", "-", "[a]", "-"}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(SseReader, TellsMessagesFromOtherEvents) {
  SseReader reader(100);
  reader.push("data: {}\n\nevent: message\ndata: {}\n\nevent: x\ndata: {}\n\ndata:\n\n: c\n\n");
  std::vector<bool> got;
  for (auto event = reader.next(); event && *event; event = reader.next()) got.push_back((*event)->is_message());
  EXPECT_EQ(got, (std::vector<bool>{true, true, false, false, false}));
}

/// Security requirement S25: an event is bounded.
TEST(SseReader, StopsAtAnEventThatGrowsBeyondItsLimit) {
  SseReader reader(64);
  for (int i = 0; i < 100; ++i) {
    reader.push("data: aaaaaaaa\n");
    if (const auto event = reader.next(); !event) {
      EXPECT_EQ(event.error().kind, ErrorKind::too_large);
      reader.push("\n\n");
      EXPECT_FALSE(reader.next());
      EXPECT_LT(reader.pending(), 128U);
      return;
    }
  }
  FAIL() << "no limit";
}

TEST(SseReader, RefusesAWholeEventThatIsTooLong) {
  SseReader reader(16);
  reader.push("data: 0123456789abcdef\n\n");
  EXPECT_FALSE(reader.next());
}

TEST(SseReader, StaysLinearWhenALongEventComesInSmallPieces) {
  SseReader reader(std::size_t{8} << 20);
  const std::string piece(1024, 'x');
  reader.push("data: ");
  for (int i = 0; i < 4096; ++i) {
    reader.push(piece);
    ASSERT_FALSE(*reader.next());
  }
  reader.push("\n\n");
  const auto event = reader.next();
  EXPECT_EQ((*event)->data.size(), 4096U * 1024U);
}

/// Security requirement S25: nor does one of many lines, whichever of the line ends they have, take the time of all calls.
TEST(SseReader, StaysLinearWhenALongEventHasManyShortLines) {
  for (const std::string_view line : {":\n", ":\r", ":\r\n"}) {
    std::string stream;
    while (stream.size() < std::size_t{2} << 20U) stream += line;
    stream += "data: end" + std::string(2, line.back());
    SseReader reader(std::size_t{4} << 20U);
    const auto began = std::chrono::steady_clock::now();
    reader.push(stream);
    const auto event = reader.next();
    ASSERT_TRUE(event && *event);
    EXPECT_EQ((*event)->data, "end");
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5)) << static_cast<int>(line.back());
  }
}

std::string written(const std::string& stream) {
  SseReader reader(1 << 20);
  reader.push(stream);
  const auto event = reader.next();
  if (!event || !*event) return "nothing";
  if ((*event)->plain) return "plain";
  std::string out;
  append_sse_event(out, **event);
  return out;
}

/// Security requirement S25: what a client may read otherwise than the gate does not pass as it came.
TEST(SseReader, KnowsWhatEveryReaderTakesForTheSameEvent) {
  for (const std::string stream : {"data: {}\n\n", "data:{}\r\n\r\n", "event: message\ndata: {}\n\n", "id: e-1\nretry: 500\ndata: \n\n", "id:\ndata: \"\u4e16\u2027\"\n\n", "\n"})
    EXPECT_EQ(written(stream), "plain") << stream;
}

struct Odd {
  const char* name;
  std::string stream;
  std::string anew;
};
class OddEvent : public testing::TestWithParam<Odd> {};

/// Security requirement S25: readers that end lines at U+2028, U+0085, VT or FF, trim names or take each data line by itself.
TEST_P(OddEvent, IsWrittenAnew) {
  EXPECT_EQ(written(GetParam().stream), GetParam().anew);
  EXPECT_EQ(written(GetParam().anew), GetParam().anew.starts_with(":") ? ":\n\n" : "plain") << "and is plain then";
}

INSTANTIATE_TEST_SUITE_P(Sse, OddEvent, testing::Values(
    Odd{"comment", ": x\n\n", ":\n\n"},
    Odd{"comment_that_is_more", ": x\u2028data: {}\n\n", ":\n\n"},
    Odd{"comment_with_vt", ": x\vdata: {}\n\n", ":\n\n"},
    Odd{"comment_with_data", ": x\u2028\ndata: {}\n\n", "data: {}\n\n"},
    Odd{"comment_with_id", ": x\nid: 7\n\n", "id: 7\n\n"},
    Odd{"id_with_next_line", "id: x\u0085data: {}\ndata: 1\n\n", "data: 1\n\n"},
    Odd{"id_with_blank", "id: x y\n\n", ":\n\n"},
    Odd{"field_of_nobody", "foo: \u2028data: {}\ndata: 1\n\n", "data: 1\n\n"},
    Odd{"name_in_capitals", "Data: {}\n\n", ":\n\n"},
    Odd{"name_behind_a_blank", " data: {}\n\n", ":\n\n"},
    Odd{"name_before_a_blank", "data : {}\n\n", ":\n\n"},
    Odd{"name_behind_a_mark", "data: 1\n\xef\xbb\xbf" "data: {}\n\n", "data: 1\n\n"},
    Odd{"field_without_colon", "data\n\n", "data: \n\n"},
    Odd{"data_with_line_separators", "event: message\nid: 7\nretry: 5\ndata: [\"\u2028\u2029\u0085\"]\n\n", "event: message\nid: 7\nretry: 5\ndata: [\"\\u2028\\u2029\\u0085\"]\n\n"},
    Odd{"data_in_lines", "data: [1,\ndata: 2]\n\n", "data: [1, 2]\n\n"},
    Odd{"cr_alone", "data: {}\r\r", "data: {}\n\n"},
    Odd{"two_ids", "id: 1\nid: 2\ndata: {}\n\n", "id: 2\ndata: {}\n\n"},
    Odd{"two_types", "event: x\nevent: message\ndata: {}\n\n", "event: message\ndata: {}\n\n"},
    Odd{"retry_not_digits", "retry: 5s\ndata: {}\n\n", "data: {}\n\n"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(SseWriter, WritesWhatTheReaderReads) {
  std::string out;
  append_sse_event(out, "{\"a\":\n1}", "message", "e-1");
  append_sse_comment(out, "wait");
  append_sse_event(out, "[\"\u2028\",\r\n1]", "", "no\u0085id");
  EXPECT_EQ(out, "event: message\nid: e-1\ndata: {\"a\": 1}\n\n: wait\n\ndata: [\"\\u2028\",  1]\n\n");
  EXPECT_EQ(read_in_chunks(out, 3).events, (std::vector<std::string>{"[{\"a\": 1}] type=message id=e-1", "-", "[[\"\\u2028\",  1]]"}));
}

/// Streams are open for days: a large event leaves no memory taken behind it, whether the next has begun or not.
TEST(SseReader, KeepsNoMemoryOfALargeEvent) {
  constexpr std::size_t large = std::size_t{4} << 20U;
  for (const std::string rest : {"", "data: next"}) {
    SseReader reader(2 * large);
    reader.push("data: " + std::string(large, 'a') + "\ndata: b\n\n" + rest);
    const auto event = reader.next();
    ASSERT_TRUE(event && *event);
    EXPECT_EQ((*event)->data.size(), large + 2);
    EXPECT_GT(reader.held(), large);
    ASSERT_TRUE(reader.next());
    EXPECT_LT(reader.held(), std::size_t{256} << 10U);
    reader.push("\n\ndata: then\n\n");
    std::string told;
    for (;;) {
      const auto next = reader.next();
      ASSERT_TRUE(next);
      if (!*next) break;
      told += std::string((*next)->data) + ';';
    }
    EXPECT_TRUE(told.ends_with("then;")) << told;
    EXPECT_EQ(told.contains("next;"), !rest.empty());
  }
}

}  // namespace
}  // namespace callgate::mcp::sse_test
