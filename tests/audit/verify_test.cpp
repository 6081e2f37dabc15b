#include "audit/verify.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "audit/reader.hpp"
#include "world.hpp"

namespace callgate::audit::verify_test {
namespace {

using test::Folder;
using test::World;

std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

/// Five records of one chain.
std::vector<std::string> five() {
  World world;
  for (int i = 0; i < 5; ++i) (void)world.written();
  return world.lines();
}

ChainReport verified(std::string_view text) {
  const Folder data;
  test::write_file(data / "segment-00000001.jsonl", text);
  ChainReport report = verify_chain(data.path()).value();
  if (report.fault) report.fault->where = report.fault->where.substr(report.fault->where.rfind('/') + 1);
  return report;
}

/// The line with its hash made right again: what a forger without care for the chain does.
std::string rehashed(std::string line) {
  const std::string body = line.substr(0, line.size() - hash_tail_size);
  return body + std::string(hash_key) + sha256_hex(body + "}") + "\"}";
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, from.size(), to);
}

struct Tamper {
  std::string name;
  std::function<std::string(std::vector<std::string>)> change;
  std::string where;
  std::string what;
};

class Tampering : public testing::TestWithParam<Tamper> {};

/// Security requirement S24: the chain shows what was changed, a row a way of changing it.
TEST_P(Tampering, IsFoundAtItsLine) {
  const Tamper& row = GetParam();
  const ChainReport report = verified(row.change(five()));
  ASSERT_TRUE(report.fault.has_value());
  EXPECT_EQ(report.fault->where, row.where);
  EXPECT_NE(report.fault->what.find(row.what), std::string::npos) << report.fault->what;
}

using Lines = std::vector<std::string>;
INSTANTIATE_TEST_SUITE_P(
    Audit, Tampering,
    testing::Values(
        Tamper{"changed_byte", [](Lines l) { l[2] = replaced(l[2], "\"allow\"", "\"deny!\""); return join(l); },
               "segment-00000001.jsonl:3", "was changed"},
        Tamper{"changed_hash", [](Lines l) { l[2][l[2].size() - 5] ^= 1; return join(l); },
               "segment-00000001.jsonl:3", "was changed"},
        Tamper{"deleted_line", [](Lines l) { l.erase(l.begin() + 2); return join(l); },
               "segment-00000001.jsonl:3", "record 4 follows record 2"},
        Tamper{"deleted_first_line", [](Lines l) { l.erase(l.begin()); return join(l); },
               "segment-00000001.jsonl:1", "starts with record 2"},
        Tamper{"swapped_lines", [](Lines l) { std::swap(l[1], l[3]); return join(l); },
               "segment-00000001.jsonl:2", "record 4 follows record 1"},
        Tamper{"doubled_line", [](Lines l) { l.insert(l.begin() + 2, l[1]); return join(l); },
               "segment-00000001.jsonl:3", "record 2 follows record 2"},
        Tamper{"forged_with_fitting_hash",
               [](Lines l) { l[2] = rehashed(replaced(l[2], "\"allow\"", "\"deny\"")); return join(l); },
               "segment-00000001.jsonl:4", "`prev` is not the hash"},
        Tamper{"forged_prev",
               [](Lines l) { l[2] = rehashed(replaced(l[2], l[2].substr(l[2].find("prev") + 7, 64), first_prev)); return join(l); },
               "segment-00000001.jsonl:3", "`prev` is not the hash"},
        Tamper{"forged_instance", [](Lines l) { l[2] = rehashed(replaced(l[2], "\"one\"", "\"two\"")); return join(l); },
               "segment-00000001.jsonl:3", "instance `two`"},
        Tamper{"second_hash_member",
               [](Lines l) { l[2] = rehashed(replaced(l[2], "\"v\":1", "\"v\":1,\"hash\":\"0\"")); return join(l); },
               "segment-00000001.jsonl:3", "not JSON"},
        Tamper{"cut_in_the_middle", [](Lines l) { l[2].resize(100); return join(l); },
               "segment-00000001.jsonl:3", "not JSON"},
        Tamper{"empty_line", [](Lines l) { l.insert(l.begin() + 2, ""); return join(l); },
               "segment-00000001.jsonl:3", "not JSON"},
        Tamper{"other_version", [](Lines l) { l[0] = rehashed(replaced(l[0], "\"v\":1", "\"v\":2")); return join(l); },
               "segment-00000001.jsonl:1", "version"},
        Tamper{"no_hash", [](Lines l) { l[4] = l[4].substr(0, l[4].size() - hash_tail_size) + "}"; return join(l); },
               "segment-00000001.jsonl:5", "does not end with its `hash`"},
        Tamper{"endless_line", [](Lines l) { l[4] = std::string(max_line * 2, 'x'); return join(l); },
               "segment-00000001.jsonl:5", "longer than any record"},
        Tamper{"rubbish_after_the_end", [](Lines l) { return join(l) + "{}\n"; }, "segment-00000001.jsonl:6", "version"}),
    [](const auto& row) { return row.param.name; });

TEST(Verify, AcceptsAnUntouchedChain) {
  const ChainReport report = verified(join(five()));
  EXPECT_FALSE(report.fault.has_value());
  EXPECT_EQ(report.records, 5U);
  EXPECT_EQ(report.first_seq, 1U);
  EXPECT_EQ(report.last_seq, 5U);
  EXPECT_TRUE(report.torn.empty());
  EXPECT_FALSE(report.closed);
}

TEST(Verify, AnyChangedBitIsFound) {
  const std::string text = join(five());
  for (std::size_t at = 0; at < text.size(); at += 37) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 0x04);
    const ChainReport report = verified(changed);
    EXPECT_TRUE(report.fault.has_value() || !report.torn.empty()) << "byte " << at;
  }
}

TEST(Verify, TornTailIsToldApartFromDamage) {
  const std::string text = join(five());
  for (const std::size_t missing : {1U, 2U, 70U, 300U}) {
    const ChainReport report = verified(text.substr(0, text.size() - missing));
    EXPECT_FALSE(report.fault.has_value());
    ASSERT_EQ(report.torn.size(), 1U);
    EXPECT_TRUE(report.torn[0].ends_with("segment-00000001.jsonl:5"));
    EXPECT_EQ(report.records, 4U);
  }
}

class Segments : public testing::Test {
 protected:
  Segments() {
    World world({.instance = "one", .sync = Sync::none, .segment_bytes = 1200});
    for (int i = 0; i < 8; ++i) (void)world.written();
    world.journal.reset();
    test::save(world.disk, data_.path());
  }
  std::string segment(int number) const { return data_ / segment_name(static_cast<std::uint64_t>(number)); }
  ChainReport report() const { return verify_chain(data_.path()).value(); }
  Folder data_;
};

TEST_F(Segments, ChainOnAcrossFiles) {
  EXPECT_FALSE(report().fault.has_value());
  EXPECT_GT(report().segments, 2U);
  EXPECT_TRUE(report().closed);
}

TEST_F(Segments, AMissingBeginningIsFoundUnlessItsRemovalIsOnRecord) {
  std::filesystem::remove(segment(1));
  ASSERT_TRUE(report().fault.has_value());
  EXPECT_NE(report().fault->what.find("segment 2"), std::string::npos);
  EXPECT_TRUE(report().fault->where.ends_with("segment-00000002.jsonl:1"));
}

TEST_F(Segments, AMissingOneInBetweenIsFound) {
  std::filesystem::remove(segment(2));
  ASSERT_TRUE(report().fault.has_value());
  EXPECT_NE(report().fault->what.find("segment 2 is missing"), std::string::npos);
}

TEST_F(Segments, SwappedOnesAreFound) {
  std::filesystem::rename(segment(2), data_ / "x");
  std::filesystem::rename(segment(3), segment(2));
  std::filesystem::rename(data_ / "x", segment(3));
  EXPECT_TRUE(report().fault.has_value());
}

TEST_F(Segments, ACutEndOfAnEarlierOneIsFound) {
  std::string text = test::read_file(segment(1));
  text.resize(text.rfind('\n', text.size() - 2) + 1);
  test::write_file(segment(1), text);
  ASSERT_TRUE(report().fault.has_value());
  EXPECT_TRUE(report().fault->where.ends_with("segment-00000002.jsonl:1"));
}

TEST_F(Segments, NothingMayFollowTheClosingRecord) {
  const std::string last = test::read_file(segment(static_cast<int>(report().segments)));
  const std::string line = last.substr(0, last.find('\n') + 1);
  test::write_file(segment(static_cast<int>(report().segments)), last + line);
  ASSERT_TRUE(report().fault.has_value());
  EXPECT_NE(report().fault->what.find("closed the chain"), std::string::npos);
}

TEST(Verify, WholeChainWrittenAnewIsFoundByTheKey) {
  const Folder data;
  const auto write = [&](const std::string& key) {
    World world({.instance = "one", .sync = Sync::none, .signing_key = key});
    (void)world.written();
    world.journal.reset();
    test::save(world.disk, data / "one");
  };
  write(data / "keys/theirs.key");
  std::string trusted;
  {
    trusted = Signer::open(data / "keys/ours.key").value().public_key();
  }
  EXPECT_FALSE(verify_chain(data / "one").value().fault.has_value()) << "sound in itself";
  ASSERT_TRUE(verify_chain(data / "one", trusted).value().fault.has_value());
  write("");
  EXPECT_NE(verify_chain(data / "one", trusted).value().fault->what.find("not signed"), std::string::npos);
  write(data / "keys/ours.key");
  EXPECT_FALSE(verify_chain(data / "one", trusted).value().fault.has_value());
}

/// A journal of `ours`, in which a minute passes between records, and what forgers make of it.
class Forged : public testing::Test {
 protected:
  Forged() {
    World world({.instance = "one", .sync = Sync::none, .signing_key = data_ / "keys/ours.key"});
    for (int i = 0; i < 12; ++i) {
      (void)world.written();
      world.clock.advance(std::chrono::seconds(50));
    }
    lines_ = world.lines();
    key_ = test::read_file(data_ / "keys/ours.key.pub");
    key_.pop_back();
  }
  /// Numbers, `prev` and hashes are made right again, as anybody can.
  ChainReport written(std::vector<std::string> lines) {
    std::string text;
    std::string prev(first_prev);
    for (std::size_t at = 0; at < lines.size(); ++at) {
      std::string& line = lines[at];
      const auto from = line.find(R"("seq":)") + 6;
      line.replace(from, line.find(',', from) - from, std::to_string(at + 1));
      line.replace(line.find(R"("prev":")") + 8, 64, prev);
      line = rehashed(line);
      prev = line.substr(line.size() - 66, 64);
      text += line + "\n";
    }
    const std::string folder = data_ / "forged";
    std::filesystem::create_directories(folder);
    test::write_file(folder + "/segment-00000001.jsonl", text);
    EXPECT_FALSE(verify_chain(folder).value().fault.has_value()) << "sound in itself";
    return verify_chain(folder, key_).value();
  }
  std::string faulty(const ChainReport& report) const { return report.fault ? report.fault->what : ""; }
  Folder data_;
  std::vector<std::string> lines_;
  std::string key_;
};

bool is_checkpoint(const std::string& line) { return line.find("\"checkpoint\"") != std::string::npos; }

TEST_F(Forged, TheJournalItselfIsSound) { EXPECT_EQ(faulty(written(lines_)), ""); }

/// Security requirement S24.
TEST_F(Forged, WithoutItsCheckpointsItIsFound) {
  std::erase_if(lines_, is_checkpoint);
  EXPECT_NE(faulty(written(lines_)).find("under no signature"), std::string::npos);
}

TEST_F(Forged, WithoutAnySignatureItIsFoundHoweverShortItIs) {
  std::erase_if(lines_, is_checkpoint);
  lines_.resize(2);
  EXPECT_NE(faulty(written(lines_)).find("no record is under a signature"), std::string::npos);
}

TEST_F(Forged, RecordsOfMoreThanAFewMinutesBehindTheLastSignatureAreFound) {
  std::vector<std::string> calls = lines_;
  std::erase_if(calls, is_checkpoint);
  const auto last = std::ranges::find_if(lines_.rbegin(), lines_.rend(), is_checkpoint).base();
  lines_.erase(last, lines_.end());
  lines_.insert(lines_.end(), calls.begin(), calls.end());
  EXPECT_NE(faulty(written(lines_)).find("under no signature"), std::string::npos);
}

TEST(FindChains, TakesDataTheJournalFolderOrOneChain) {
  const Folder data;
  std::filesystem::create_directories(data / "journal/b");
  std::filesystem::create_directories(data / "journal/a");
  std::filesystem::create_directories(data / "journal/empty");
  test::write_file(data / "journal/a/segment-00000001.jsonl", "");
  test::write_file(data / "journal/b/segment-00000001.jsonl", "");
  const std::vector<std::string> both{data / "journal/a", data / "journal/b"};
  EXPECT_EQ(find_chains(data.path()).value(), both);
  EXPECT_EQ(find_chains(data / "journal").value(), both);
  EXPECT_EQ(find_chains(data / "journal/a").value(), std::vector<std::string>{data / "journal/a"});
  EXPECT_EQ(find_chains(data / "nowhere").error().kind, ErrorKind::not_found);
}

TEST(SegmentName, IsReadBackOnlyAsWritten) {
  EXPECT_EQ(segment_name(7), "segment-00000007.jsonl");
  EXPECT_EQ(segment_number("segment-00000007.jsonl"), 7U);
  EXPECT_EQ(segment_number(segment_name(123456789)), 123456789U);
  for (const char* name : {"segment-7.jsonl", "segment-00000007.json", "segment-0000000x.jsonl", "segment-000000007.jsonl",
                           "x", "segment-.jsonl"}) {
    EXPECT_EQ(segment_number(name), 0U) << name;
  }
}

}  // namespace
}  // namespace callgate::audit::verify_test
