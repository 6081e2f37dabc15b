#include "net/lines.hpp"

#include <gtest/gtest.h>

#include "net/child.hpp"

#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <malloc.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace callgate::net::lines_test {
namespace {

using std::chrono::milliseconds;

template <class Done>
void turn_until(Loop& loop, Done done) {
  const Instant until = Loop::read_clock() + std::chrono::seconds(10);
  while (!done() && Loop::read_clock() < until) loop.turn(milliseconds(20));
}

struct Pipe {
  Pipe() {
    EXPECT_EQ(pipe(ends), 0);
    make_nonblocking(ends[0]);
    make_nonblocking(ends[1]);
  }
  ~Pipe() {
    close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
  }
  void end() { close(std::exchange(ends[1], -1)); }
  int ends[2] = {-1, -1};
};

Task<void> read_lines(LineReader& reader, std::vector<std::string>& lines, bool& ended) {
  for (;;) {
    auto line = co_await reader.next(Loop::forever);
    if (line) {
      lines.emplace_back(*line);
    } else if (line.error().kind == ErrorKind::too_large) {
      lines.emplace_back("<too long>");
    } else if (line.error().kind == ErrorKind::unavailable) {
      lines.emplace_back("<no room>");
    } else {
      break;
    }
  }
  ended = true;
}

TEST(LineReader, CutsTheStreamIntoLines) {
  Loop loop;
  Pipe pipe;
  LineReader reader(loop, pipe.ends[0], 100);
  TaskGroup group;
  std::vector<std::string> lines;
  bool ended = false;
  group.spawn(read_lines(reader, lines, ended));
  const std::string text = "one\ntwo\r\n\n" + std::string(100, 'x') + "\nunfinished";
  for (const char c : text) {
    ASSERT_EQ(write(pipe.ends[1], &c, 1), 1);
    loop.turn(Duration::zero());
  }
  pipe.end();
  turn_until(loop, [&] { return ended; });
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "", std::string(100, 'x')}));
}

TEST(LineReader, SkipsALineThatIsTooLongAndGoesOn) {
  Loop loop;
  Pipe pipe;
  LineReader reader(loop, pipe.ends[0], 10);
  TaskGroup group;
  std::vector<std::string> lines;
  bool ended = false;
  group.spawn(read_lines(reader, lines, ended));
  const std::string text = "first\n" + std::string(20'000, 'x') + "\nlast\n";
  std::size_t sent = 0;
  turn_until(loop, [&] {
    const ssize_t put = write(pipe.ends[1], text.data() + sent, text.size() - sent);
    if (put > 0) sent += static_cast<std::size_t>(put);
    return lines.size() == 3;
  });
  EXPECT_EQ(lines, (std::vector<std::string>{"first", "<too long>", "last"}));
}

/// Security requirement S25: what has come of a large line takes up room, and where there is none it alone is lost.
TEST(LineReader, DropsALargeLineThatFindsNoRoomAndGoesOn) {
  Loop loop;
  Pipe pipe;
  const ServerRoom server{std::make_shared<ReplyRoom>(400'000), "one"};
  LineReader reader(loop, pipe.ends[0], 1 << 24, server);
  TaskGroup group;
  std::vector<std::string> lines;
  bool ended = false;
  group.spawn(read_lines(reader, lines, ended));
  const auto send = [&](const std::string& text, std::size_t until) {
    std::size_t sent = 0;
    turn_until(loop, [&] {
      const ssize_t put = write(pipe.ends[1], text.data() + sent, text.size() - sent);
      if (put > 0) sent += static_cast<std::size_t>(put);
      return lines.size() == until;
    });
  };
  send(std::string(90'000, 'x') + "\nfirst\n", 2);
  std::unique_ptr<ReplyPart> another;
  EXPECT_TRUE(server.count(another, 90'000, nullptr)) << "a line that was taken takes up nothing";
  send(std::string(90'000, 'x') + "\nlast\n", 4);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[1], "first");
  EXPECT_EQ(lines[2], "<no room>");
  EXPECT_EQ(lines[3], "last");
  another.reset();
  send(std::string(90'000, 'x') + "\n", 5);
  EXPECT_EQ(lines.back().size(), 90'000U);
}

/// Security requirement S25: whose room is taken for a moment loses nothing by that.
TEST(LineReader, ALargeLineThatFindsNoRoomWaitsForIt) {
  Loop loop;
  Pipe pipe;
  const ServerRoom server{std::make_shared<ReplyRoom>(400'000), "one"};
  std::unique_ptr<ReplyPart> another;
  ASSERT_TRUE(server.count(another, 90'000, nullptr));
  LineReader reader(loop, pipe.ends[0], 1 << 24, server);
  TaskGroup group;
  std::vector<std::string> lines;
  bool ended = false;
  group.spawn(read_lines(reader, lines, ended));
  const std::string begin(60'000, 'x');
  ASSERT_EQ(write(pipe.ends[1], begin.data(), begin.size()), static_cast<ssize_t>(begin.size()));
  turn_until(loop, [&] {
    int left = 0;
    return ioctl(pipe.ends[0], FIONREAD, &left) == 0 && left < 40'000;
  });
  another.reset();
  const std::string rest = std::string(20'000, 'x') + "\nlast\n";
  std::size_t sent = 0;
  turn_until(loop, [&] {
    const ssize_t put = sent < rest.size() ? write(pipe.ends[1], rest.data() + sent, rest.size() - sent) : 0;
    if (put > 0) sent += static_cast<std::size_t>(put);
    return lines.size() == 2;
  });
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].size(), 80'000U) << lines[0].substr(0, 20);
  EXPECT_EQ(lines[1], "last");
}

/// Tells how many lines, and bytes, one turn of the loop reads of a pipe that holds far more.
std::pair<std::size_t, std::size_t> read_in_one_turn(const std::string& line) {
  Loop loop;
  Pipe pipe;
  EXPECT_GT(fcntl(pipe.ends[1], F_SETPIPE_SZ, 1 << 20), 0);
  std::string text;
  while (text.size() < (1U << 20U)) text += line + "\n";
  EXPECT_GT(write(pipe.ends[1], text.data(), text.size()), 900'000);
  LineReader reader(loop, pipe.ends[0], 1 << 24);
  TaskGroup group;
  std::vector<std::string> lines;
  bool ended = false;
  loop.turn(Duration::zero());
  group.spawn(read_lines(reader, lines, ended));
  int left = 0;
  EXPECT_EQ(ioctl(pipe.ends[0], FIONREAD, &left), 0);
  const std::size_t first = lines.size();
  turn_until(loop, [&] { return lines.size() > first; });
  EXPECT_GT(lines.size(), first) << "it goes on in the next turn";
  return {first, (1U << 20U) - static_cast<std::size_t>(left)};
}

TEST(LineReader, APipeThatIsNeverEmptyTakesAPartOfATurn) {
  const auto [short_lines, bytes_of_short] = read_in_one_turn("x");
  EXPECT_LE(short_lines, 128U);
  const auto [long_lines, bytes_of_long] = read_in_one_turn(std::string(20'000, 'x'));
  EXPECT_LE(bytes_of_long, 200'000U);
  EXPECT_GE(long_lines, 1U);
}

TEST(LineReader, ALineWithoutEndIsReportedAgainAndAgain) {
  Loop loop;
  Pipe pipe;
  LineReader reader(loop, pipe.ends[0], 1000);
  TaskGroup group;
  std::vector<std::string> lines;
  bool ended = false;
  group.spawn(read_lines(reader, lines, ended));
  const std::string text(64 * 1024, 'x');
  std::size_t sent = 0;
  turn_until(loop, [&] {
    const ssize_t put = write(pipe.ends[1], text.data(), text.size());
    if (put > 0) sent += static_cast<std::size_t>(put);
    return lines.size() == 3;
  });
  EXPECT_EQ(lines, (std::vector<std::string>{"<too long>", "<too long>", "<too long>"}));
  EXPECT_GT(sent, 2U << 20U);
}

TEST(LineWriter, KeepsWhatThePipeDoesNotTake) {
  Loop loop;
  Pipe pipe;
  LineWriter writer(loop, pipe.ends[1], 10'000'000);
  const std::string line(300'000, 'y');
  ASSERT_TRUE(writer.send(line).has_value());
  ASSERT_TRUE(writer.send("second").has_value());
  EXPECT_FALSE(writer.idle());
  LineReader reader(loop, pipe.ends[0], 1'000'000);
  TaskGroup group;
  std::vector<std::string> lines;
  bool ended = false;
  group.spawn(read_lines(reader, lines, ended));
  turn_until(loop, [&] { return lines.size() == 2; });
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], line);
  EXPECT_EQ(lines[1], "second");
  EXPECT_TRUE(writer.idle());
}

TEST(LineWriter, RefusesMoreThanItsBound) {
  Loop loop;
  Pipe pipe;
  LineWriter writer(loop, pipe.ends[1], 1'000'000);
  Result<void> sent;
  for (int i = 0; i < 20 && sent; ++i) sent = writer.send(std::string(200'000, 'z'));
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().kind, ErrorKind::unavailable);
}

/// A client that reads all the time and is always one answer behind.
TEST(LineWriter, CountsAndKeepsOnlyWhatIsUnsent) {
  Loop loop;
  Pipe pipe;
  LineWriter writer(loop, pipe.ends[1], 1'000'000);
  const std::string line(300'000, 'z');
  ASSERT_TRUE(writer.send(line).has_value());
  std::string read_text(100'000, ' ');
  const auto memory = [] { return static_cast<std::int64_t>(mallinfo2().uordblks + mallinfo2().hblkhd); };
  std::int64_t most_memory = 0;
  const std::int64_t before = memory();  // and what others keep may become less meanwhile
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(writer.send(line).has_value()) << "line " << i << ": two are unsent at most";
    std::size_t got = 0;
    turn_until(loop, [&] {
      const ssize_t more = read(pipe.ends[0], read_text.data(), std::min(read_text.size(), line.size() + 1 - got));
      if (more > 0) got += static_cast<std::size_t>(more);
      return got == line.size() + 1;
    });
    ASSERT_FALSE(writer.idle());
    most_memory = std::max(most_memory, memory() - before);
  }
  EXPECT_LT(most_memory, 4'000'000) << "of 18 MB that went through";
}

/// A client that reads nothing costs what it did not read, and less as soon as it reads.
TEST(LineWriter, TakesUpWhatIsUnsentAndNoMore) {
  Loop loop;
  Pipe pipe;
  LineWriter writer(loop, pipe.ends[1], 10'000'000);
  const std::string line(100'000, 'z');
  const auto memory = [] { return mallinfo2().uordblks + mallinfo2().hblkhd; };
  const std::size_t before = memory();
  for (Result<void> sent; sent;) {
    sent = writer.send(line);
    ASSERT_LT(memory(), before + writer.unsent() + 300'000U) << writer.unsent() << " bytes are unsent";
  }
  ASSERT_GT(writer.unsent(), 9'800'000U);
  std::string read_text(100'000, ' ');
  while (!writer.idle()) {
    turn_until(loop, [&] { return read(pipe.ends[0], read_text.data(), read_text.size()) > 0; });
    ASSERT_LT(memory(), before + writer.unsent() + 300'000U) << writer.unsent() << " bytes are unsent";
  }
}

TEST(LineWriter, ABrokenPipeIsAnError) {
  signal(SIGPIPE, SIG_IGN);
  Loop loop;
  Pipe pipe;
  LineWriter writer(loop, pipe.ends[1], 1000);
  close(std::exchange(pipe.ends[0], dup(pipe.ends[1])));
  EXPECT_FALSE(writer.send("x").has_value());
  EXPECT_FALSE(writer.send("x").has_value());
}

TEST(LineWriter, TellsOnceWhenWhatItKeptCanNoLongerBeWritten) {
  signal(SIGPIPE, SIG_IGN);
  Loop loop;
  Pipe pipe;
  LineWriter writer(loop, pipe.ends[1], 1'000'000);
  int told = 0;
  writer.on_broken([&] { ++told; });
  ASSERT_TRUE(writer.send(std::string(300'000, 'z')).has_value());
  ASSERT_FALSE(writer.idle());
  close(std::exchange(pipe.ends[0], dup(pipe.ends[1])));
  turn_until(loop, [&] { return told > 0; });
  EXPECT_EQ(told, 1);
  EXPECT_FALSE(writer.send("x").has_value());
  EXPECT_EQ(told, 1);
}

TEST(Child, SpeaksLinesAndIsReaped) {
  Loop loop;
  auto child = Child::start(loop, {.command = {"sh", "-c", "echo warm >&2; while read -r line; do echo \"got $line $SECRET $PRIVATE\"; done"},
                                   .environment = {{"SECRET", "s3"}}});
  ASSERT_TRUE(child.has_value()) << child.error().message;
  setenv("PRIVATE", "of-the-gateway", 1);
  TaskGroup group;
  std::vector<std::string> lines;
  bool ended = false;
  group.spawn(read_lines((*child)->out(), lines, ended));
  ASSERT_TRUE((*child)->in().send("a").has_value());
  turn_until(loop, [&] { return lines.size() == 1 && !(*child)->last_words().empty(); });
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0], "got a s3 ") << "a child sees its own variables and not the gateway's";
  EXPECT_EQ((*child)->last_words(), "warm\n");
}

Task<void> wait_for_end(Child& child, bool& over) {
  co_await child.over(std::chrono::seconds(20));
  over = true;
}

/// Also a last line without an end, and whatever came after its stdout was closed.
TEST(Child, TellsHowItEndedAndWhatItSaidLast) {
  Loop loop;
  auto child = Child::start(
      loop, {.command = {"sh", "-c", "read -r go; exec >&-; echo first >&2; printf 'no such file' >&2; exit 3"}});
  ASSERT_TRUE(child.has_value()) << child.error().message;
  EXPECT_EQ((*child)->how_it_ended(), "");
  TaskGroup group;
  bool over = false;
  group.spawn(wait_for_end(**child, over));
  ASSERT_TRUE((*child)->in().send("go").has_value());
  turn_until(loop, [&] { return over; });
  EXPECT_EQ((*child)->how_it_ended(), "ended with code 3");
  EXPECT_EQ((*child)->last_words(), "first\nno such file\n");
}

TEST(Child, TellsTheSignalThatEndedIt) {
  Loop loop;
  auto child = Child::start(loop, {.command = {"sh", "-c", "kill -TERM $$"}});
  ASSERT_TRUE(child.has_value()) << child.error().message;
  TaskGroup group;
  bool over = false;
  group.spawn(wait_for_end(**child, over));
  turn_until(loop, [&] { return over; });
  EXPECT_EQ((*child)->how_it_ended(), "was ended by signal 15 (Terminated)");
}

TEST(Child, AProgramThatDoesNotExistIsAnError) {
  Loop loop;
  const auto child = Child::start(loop, {.command = {"/no/such/program"}});
  ASSERT_FALSE(child.has_value());
  EXPECT_NE(child.error().message.find("/no/such/program"), std::string::npos);
}

}  // namespace
}  // namespace callgate::net::lines_test
