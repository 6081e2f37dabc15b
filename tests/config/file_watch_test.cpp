#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "config/text_file.hpp"

namespace callgate::config::file_watch_test {
namespace {

using Found = FileWatch::Found;
using std::chrono::milliseconds;

class Watched : public testing::Test {
 protected:
  Watched() : file(std::filesystem::temp_directory_path() / ("callgate-watch-" + std::to_string(getpid()))) {
    add("first");
    watch.taken(FileStamp::of(file));
  }
  ~Watched() override {
    for (const auto& each : {file, kept}) std::filesystem::remove(each);
  }
  void add(const std::string& text) { std::ofstream(file, std::ios::app) << text; }
  /// Written long before it gets its name.
  void replace() {
    const std::string next = file.string() + ".next";
    std::ofstream(next) << "another one";
    std::filesystem::last_write_time(next, std::filesystem::last_write_time(next) - std::chrono::seconds(1));
    std::filesystem::rename(next, file);
  }
  /// Another inode for certain: the one before is still there.
  void make_new(const std::string& text) {
    std::filesystem::rename(file, kept);
    add(text);
  }
  Found look(milliseconds later) {
    now += later;
    return watch.look(file, [this] { return now; });
  }

  std::filesystem::path file;
  std::filesystem::path kept = file.string() + ".kept";
  FileWatch watch;
  FileWatch::Instant now{};
};

TEST_F(Watched, OneThatIsWrittenInPlaceIsSettledOnceItRests) {
  EXPECT_EQ(look(milliseconds(500)), Found::unchanged);
  add("more");
  EXPECT_EQ(look(milliseconds(500)), Found::unsettled);
  EXPECT_EQ(look(FileWatch::rest - milliseconds(1)), Found::unsettled);
  add("more");
  EXPECT_EQ(look(milliseconds(500)), Found::unsettled);
  EXPECT_EQ(look(FileWatch::rest), Found::settled);
  EXPECT_EQ(look(milliseconds(500)), Found::settled) << "until it was read";
  watch.taken(FileStamp::of(file));
  EXPECT_EQ(look(milliseconds(500)), Found::unchanged);
}

TEST_F(Watched, OneThatWasRenamedIsSettledSooner) {
  replace();
  EXPECT_EQ(look(milliseconds(500)), Found::unsettled);
  EXPECT_EQ(look(FileWatch::renamed_rest - milliseconds(1)), Found::unsettled) << "looks may be close together";
  EXPECT_EQ(look(milliseconds(1)), Found::settled);
}

/// Security requirement S23: `rm p; cat > p`, tar and many an editor make a new file and write it in place.
TEST_F(Watched, ANewFileThatIsHalfWrittenIsNotSettledByAPause) {
  make_new("ha");
  EXPECT_EQ(look(milliseconds(500)), Found::unsettled);
  EXPECT_EQ(look(milliseconds(500)), Found::unsettled) << "the same at two looks, and half a file";
  EXPECT_EQ(look(milliseconds(500)), Found::unsettled);
  add("lf");
  EXPECT_EQ(look(milliseconds(500)), Found::unsettled);
  EXPECT_EQ(look(FileWatch::rest - milliseconds(1)), Found::unsettled);
  EXPECT_EQ(look(milliseconds(1)), Found::settled);
}

TEST_F(Watched, ANewFileWhoseModeChangesIsStillOneThatWasMadeThere) {
  make_new("half");
  EXPECT_EQ(look(milliseconds(500)), Found::unsettled);
  const FileStamp before = FileStamp::of(file);
  for (unsigned mode = 0; FileStamp::of(file).changed_ns == before.changed_ns; mode ^= 0100U)
    std::filesystem::permissions(file, std::filesystem::perms(0600U | mode));
  EXPECT_EQ(look(milliseconds(500)), Found::unsettled);
  EXPECT_EQ(look(FileWatch::rest - milliseconds(1)), Found::unsettled);
  EXPECT_EQ(look(milliseconds(1)), Found::settled);
}

/// The loop may stand still between the clock and the file: a busy machine, a stopped process.
TEST_F(Watched, ALookThatTookLongIsNoRest) {
  add("more");
  EXPECT_EQ(watch.look(file, [this] { return now += FileWatch::rest; }), Found::unsettled);
  EXPECT_EQ(look(FileWatch::rest - milliseconds(1)), Found::unsettled) << "it is known since the end of the first look";
  EXPECT_EQ(look(milliseconds(1)), Found::settled);
}

TEST_F(Watched, AVersionThatCameSinceTheLookWasNotSeen) {
  add("more");
  EXPECT_EQ(look(milliseconds(500)), Found::unsettled);
  EXPECT_TRUE(watch.has_seen(FileStamp::of(file)));
  add("and more");
  EXPECT_FALSE(watch.has_seen(FileStamp::of(file)));
  watch.taken(FileStamp::of(file));
  EXPECT_TRUE(watch.has_seen(FileStamp::of(file)));
}

TEST_F(Watched, OneThatIsGoneMayBeOnItsWay) {
  std::filesystem::remove(file);
  EXPECT_EQ(look(milliseconds(500)), Found::unsettled);
  EXPECT_EQ(look(milliseconds(500)), Found::unsettled);
  EXPECT_EQ(look(FileWatch::rest), Found::settled);
}

TEST_F(Watched, OneThatNeverRestsIsToldOnce) {
  int told = 0;
  for (int i = 0; i < 40; ++i) {
    add("more");
    const Found found = look(milliseconds(500));
    ASSERT_NE(found, Found::settled);
    told += found == Found::restless ? 1 : 0;
  }
  EXPECT_EQ(told, 1);
}

TEST_F(Watched, OneThatIsAsBeforeIsUnchanged) {
  const FileStamp before = FileStamp::of(file);
  replace();
  EXPECT_EQ(look(milliseconds(500)), Found::unsettled);
  watch.taken(FileStamp::of(file));
  EXPECT_NE(FileStamp::of(file), before);
  EXPECT_EQ(look(milliseconds(500)), Found::unchanged);
}

}  // namespace
}  // namespace callgate::config::file_watch_test
