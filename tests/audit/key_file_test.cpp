#include "audit/key_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "audit/signer.hpp"
#include "world.hpp"

namespace callgate::audit::key_file_test {
namespace {

using test::Folder;

TEST(KeyFile, IsMadeOnceForTheOwnerOnly) {
  const Folder data;
  const std::string path = data / "keys/args-digest.key";
  const KeyBytes made = load_or_make_key(path).value();
  EXPECT_EQ(load_or_make_key(path).value(), made);
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat((data / "keys").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
  EXPECT_NE(load_or_make_key(data / "keys/other.key").value(), made);
}

TEST(KeyFile, OpenToOthersOrOfAnotherLengthIsRefused) {
  const Folder data;
  const std::string path = data / "some.key";
  test::write_file(path, std::string(32, 'k'));
  ::chmod(path.c_str(), 0640);
  EXPECT_EQ(load_or_make_key(path).error().kind, ErrorKind::refused);
  ::chmod(path.c_str(), 0600);
  EXPECT_TRUE(load_or_make_key(path).has_value());
  test::write_file(path, std::string(33, 'k'));
  EXPECT_EQ(load_or_make_key(path).error().kind, ErrorKind::invalid);
  test::write_file(path, "");
  EXPECT_EQ(load_or_make_key(path).error().kind, ErrorKind::invalid);
}

TEST(DigestKey, IsTheSameForTheSameArgumentsUnderOneKeyOnly) {
  const Folder data;
  DigestKey key = DigestKey::open(data / "one.key").value();
  DigestKey again = DigestKey::open(data / "one.key").value();
  DigestKey other = DigestKey::open(data / "two.key").value();
  const auto digest = [](DigestKey& under, std::string_view arguments) {
    auto read = json::OwnedDocument::parse(std::string(arguments), {});
    return under.of((*read)->root());
  };
  const DigestKey::Text text = digest(key, R"({"a":1})");
  EXPECT_TRUE(view(text).starts_with("hmac-sha256:"));
  EXPECT_EQ(view(text).find_first_not_of("0123456789abcdef", 12), std::string_view::npos);
  EXPECT_EQ(digest(again, R"({"a":1})"), text);
  EXPECT_NE(digest(key, R"({"a":2})"), text);
  EXPECT_NE(digest(other, R"({"a":1})"), text);
}

TEST(Signer, SignatureHoldsForItsCheckpointOnly) {
  KeyBytes key{};
  const Signer signer = Signer::from(key).value();
  const Checkpoint checkpoint{"one", 7, "2026-11-23T00:00:00.000Z", "aa", "time"};
  const std::string signature = signer.sign(checkpoint);
  EXPECT_TRUE(signature_holds(checkpoint, signer.public_key(), signature));
  Checkpoint other = checkpoint;
  other.seq = 8;
  EXPECT_FALSE(signature_holds(other, signer.public_key(), signature));
  other = checkpoint;
  other.hash = "ab";
  EXPECT_FALSE(signature_holds(other, signer.public_key(), signature));
  key[0] = 1;
  EXPECT_FALSE(signature_holds(checkpoint, Signer::from(key).value().public_key(), signature));
  EXPECT_FALSE(signature_holds(checkpoint, "", signature));
  EXPECT_FALSE(signature_holds(checkpoint, signer.public_key(), "?"));
}

// RFC 8032 section 7.1, test 1: the key's public half.
TEST(Signer, MakesThePublicHalfOfRfc8032) {
  constexpr KeyBytes key{0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
                         0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
  EXPECT_EQ(Signer::from(key).value().public_key(), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
}

}  // namespace
}  // namespace callgate::audit::key_file_test
