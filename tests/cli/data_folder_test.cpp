#include "cli/data_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "store/temporary_folder.hpp"

namespace callgate::cli::data_folder_test {
namespace {

class DataFolderMode : public testing::Test {
 protected:
  std::filesystem::path folder(mode_t mode) {
    const auto path = folder_.path() / "data";
    std::filesystem::create_directory(path);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  static mode_t mode_of(const std::filesystem::path& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 0777U;
  }
  TemporaryFolder folder_;
};

TEST_F(DataFolderMode, AMissingOneIsMadePrivate) {
  const auto path = folder_.path() / "above" / "data";
  EXPECT_FALSE(take_data_folder(path).value());
  EXPECT_EQ(mode_of(path), 0700U);
  EXPECT_FALSE(take_data_folder(path).value());
}

TEST_F(DataFolderMode, OneThatOthersMayReadIsClosed) {
  for (const mode_t mode : {0755U, 0750U, 0701U}) {
    EXPECT_TRUE(take_data_folder(folder(mode)).value()) << mode;
    EXPECT_EQ(mode_of(folder_.path() / "data"), 0700U);
  }
  const auto used = folder(0755);
  std::filesystem::create_directory(used / "journal");
  EXPECT_TRUE(take_data_folder(used).value());
}

TEST_F(DataFolderMode, OneOfOtherThingsIsLeftAsItIs) {
  const auto path = folder(0755);
  std::filesystem::create_directory(path / "somebody_elses");
  const auto taken = take_data_folder(path);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().kind, ErrorKind::refused);
  EXPECT_NE(taken.error().message.find("run `chmod 700` on it, or give another with `--data`"), std::string::npos);
  EXPECT_EQ(mode_of(path), 0755U);
  EXPECT_EQ(::chmod(path.c_str(), 0700), 0);
  EXPECT_FALSE(take_data_folder(path).value());
}

TEST_F(DataFolderMode, OneThatOthersMayWriteToIsRefused) {
  for (const mode_t mode : {0770U, 0707U, 0777U}) EXPECT_EQ(take_data_folder(folder(mode)).error().kind, ErrorKind::refused) << mode;
}

}  // namespace
}  // namespace callgate::cli::data_folder_test
