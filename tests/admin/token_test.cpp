#include "admin/token.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/random.hpp"
#include "base/remove_folder.hpp"

namespace callgate::admin::token_test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A folder that goes with the test.
struct Folder {
  Folder() { fs::create_directories(path); }
  ~Folder() { remove_folder(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  void write(const std::string& text, fs::perms rights) const {
    std::ofstream(token()) << text;
    fs::permissions(token(), rights);
  }
  fs::path token() const { return path / "admin.token"; }
  fs::path path = fs::temp_directory_path() / ("callgate-token-" + random_hex(8));
};

constexpr auto kOwnerOnly = fs::perms::owner_read | fs::perms::owner_write;

TEST(Token, FirstStartMakesOneThatOnlyTheOwnerReads) {
  const Folder folder;
  const auto made = load_or_make_token(folder.path);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->reveal().size(), 43U);
  EXPECT_EQ(fs::status(folder.token()).permissions(), kOwnerOnly);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()), 1) << "nothing else is left";
}

TEST(Token, LaterStartsReadTheSame) {
  const Folder folder;
  const auto first = load_or_make_token(folder.path);
  const auto second = load_or_make_token(folder.path);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->reveal(), second->reveal());
}

TEST(Token, OneSetByHandIsTakenWithoutItsNewline) {
  const Folder folder;
  folder.write(std::string(40, 'k') + "\n", kOwnerOnly);
  EXPECT_EQ(load_or_make_token(folder.path)->reveal(), std::string(40, 'k'));
}

TEST(Token, ShortOneIsRefused) {
  const Folder folder;
  folder.write("secret\n", kOwnerOnly);
  EXPECT_EQ(load_or_make_token(folder.path).error().kind, ErrorKind::invalid);
}

TEST(Token, OneThatOthersMayReadIsRefusedWithTheRemedy) {
  const Folder folder;
  folder.write(std::string(40, 'k'), kOwnerOnly | fs::perms::group_read);
  const auto refused = load_or_make_token(folder.path);
  EXPECT_EQ(refused.error().kind, ErrorKind::refused);
  EXPECT_THAT(refused.error().message, HasSubstr("chmod 600"));
}

TEST(Token, SymbolicLinkIsNotFollowed) {
  const Folder folder;
  std::ofstream(folder.path / "other") << std::string(40, 'k');
  fs::create_symlink("other", folder.token());
  EXPECT_EQ(load_or_make_token(folder.path).error().kind, ErrorKind::unavailable);
}

TEST(Token, FolderInItsPlaceIsRefused) {
  const Folder folder;
  fs::create_directory(folder.token());
  EXPECT_EQ(load_or_make_token(folder.path).error().kind, ErrorKind::refused);
}

TEST(Token, MissingFolderIsUnavailable) {
  EXPECT_EQ(load_or_make_token("/nonexistent/callgate").error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace callgate::admin::token_test
