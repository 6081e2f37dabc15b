#include "net/pooled.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/sanitized.hpp"

namespace callgate::net::pooled_test {
namespace {

constexpr bool sanitized = slower > 1;

TEST(Pooled, APieceIsTakenAgainAndNothingOfBeforeIsInTheList) {
  const unsigned char* place = nullptr;
  {
    PooledList<unsigned char> first(60, 0xab);
    place = first.data();
  }
  PooledList<unsigned char> second;
  EXPECT_TRUE(second.empty());
  second.resize(50);
  EXPECT_TRUE(std::ranges::all_of(second, [](unsigned char each) { return each == 0; }));
  if (!sanitized) EXPECT_EQ(second.data(), place) << "of the same step of sizes";
}

TEST(Pooled, ListsAndTextsGrowAndMoveLikeOthers) {
  PooledList<std::string> list;
  PooledText text;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    list.push_back(std::to_string(i));
    text += list.back();
    expected += list.back();
  }
  EXPECT_EQ(std::string_view(text), expected);
  const PooledList<std::string> moved = std::move(list);
  ASSERT_EQ(moved.size(), 3000U);
  EXPECT_EQ(moved[17], "17");
  PooledText other = "short";
  std::swap(other, text);
  EXPECT_EQ(std::string_view(other), expected);
  EXPECT_EQ(std::string_view(text), "short");
  EXPECT_TRUE(PooledList<int>().empty());
}

/// A list of no room asks for a piece, too, where a vector wants one.
TEST(Pooled, APieceOfNoSizeIsAPiece) {
  PoolAllocator<int> memory;
  int* const first = memory.allocate(0);
  int* const second = memory.allocate(0);
  EXPECT_NE(first, second);
  memory.deallocate(first, 0);
  memory.deallocate(second, 0);
}

/// What one caller made large is not kept for the others.
TEST(Pooled, LargePiecesGiveTheirMemoryBack) {
  if (sanitized) GTEST_SKIP() << "a sanitizer has a heap of its own";
  const auto in_use = [] {
    const auto heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
  };
  const std::size_t before = in_use();
  {
    std::vector<PooledText> texts;
    for (int i = 0; i < 100; ++i) texts.emplace_back(std::size_t{64} * 1024, 'x');
    EXPECT_GT(in_use(), before + std::size_t{6} * 1024 * 1024);
  }
  EXPECT_LT(in_use(), before + std::size_t{64} * 1024);
}

/// Whatever of a thread ends after its lists gives its pieces back as well.
TEST(Pooled, AThreadThatIsOverKeepsNothing) {
  if (sanitized) GTEST_SKIP() << "a sanitizer has a heap of its own";
  struct Late {
    PooledText text = PooledText(1000, 'x');
  };
  const auto run = [] {
    thread_local const Late late;
    EXPECT_EQ(late.text.size(), 1000U);
    for (int i = 0; i < 20; ++i) PooledList<int>(100);
  };
  std::thread(run).join();
  const std::size_t before = mallinfo2().uordblks;
  for (int i = 0; i < 300; ++i) std::thread(run).join();
  EXPECT_LT(mallinfo2().uordblks, before + std::size_t{32} * 1024);
}

/// Nor is memory for more small ones than some calls at a time need.
TEST(Pooled, ManySmallPiecesAreNotAllKept) {
  if (sanitized) GTEST_SKIP() << "a sanitizer has a heap of its own";
  const auto in_use = [] { return mallinfo2().uordblks; };
  const std::size_t before = in_use();
  {
    std::vector<PooledText> texts;
    for (int i = 0; i < 5000; ++i) texts.emplace_back(2000, 'x');
    EXPECT_GT(in_use(), before + std::size_t{9} * 1024 * 1024);
  }
  EXPECT_LT(in_use(), before + std::size_t{512} * 1024);
}

}  // namespace
}  // namespace callgate::net::pooled_test
