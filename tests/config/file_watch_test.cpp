#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "config/text_file.hpp"

namespace callgate::config {
namespace {

using Found = FileWatch::Found;
using std::chrono::milliseconds;

class Watched : public testing::Test {
 protected:
  Watched() : file(std::filesystem::temp_directory_path() / ("callgate-watch-" + std::to_string(getpid()))) {
    add("first");
    watch.taken(FileStamp::of(file));
  }
  ~Watched() override { std::filesystem::remove(file); }
  void add(const std::string& text) { std::ofstream(file, std::ios::app) << text; }
  void replace() { ASSERT_TRUE(write_text(file, "another one").has_value()); }
  Found look(milliseconds later, FileWatch::Hurry hurry = FileWatch::Hurry::none) { return watch.look(file, now += later, hurry); }

  std::filesystem::path file;
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

TEST_F(Watched, OneThatWasReplacedIsSettledAtTheSecondLook) {
  replace();
  EXPECT_EQ(look(milliseconds(500)), Found::unsettled);
  EXPECT_EQ(look(milliseconds(500)), Found::settled);
}

TEST_F(Watched, OneThatWasReplacedIsSettledAtOnceForWhoeverReplacedIt) {
  replace();
  EXPECT_EQ(look(milliseconds(0), FileWatch::Hurry::for_replaced), Found::settled);
  watch.taken(FileStamp::of(file));
  add("in place");
  EXPECT_EQ(look(milliseconds(0), FileWatch::Hurry::for_replaced), Found::unsettled);
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
}  // namespace callgate::config
