#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "store/database.hpp"
#include "store/grant_table.hpp"
#include "store/store.hpp"
#include "store/temporary_folder.hpp"

namespace callgate::store::faults_test {
namespace {

using std::chrono::milliseconds;

const ListKey key{"valkey", "uvx valkey", "legacy"};
const Definition definition{.tool = "get", .fingerprint = "sha256:1", .text = "{}", .time_ms = 1};

Error fault_of(const auto& result) { return result ? Error{} : result.error(); }

/// One function of the store, and whether it writes.
struct Operation {
  const char* name;
  bool writes;
  std::function<Error(Store&)> run;  ///< its fault; an empty message where it succeeded
};

const std::vector<Operation> operations{
    {"servers_add", true, [](Store& s) { return fault_of(s.servers().add({.name = "new", .url = "http://h"})); }},
    {"servers_find", false, [](Store& s) { return fault_of(s.servers().find("valkey")); }},
    {"servers_list", false, [](Store& s) { return fault_of(s.servers().list()); }},
    {"servers_set_classes", true, [](Store& s) { return fault_of(s.servers().set_classes("valkey", true, "c.yaml")); }},
    {"servers_remove", true, [](Store& s) { return fault_of(s.servers().remove("valkey", 1)); }},
    {"grants_add", true,
     [](Store& s) { return fault_of(s.grants().add({.id = "g2", .name = "bob", .server = "valkey", .token_hash = hash_token("2")})); }},
    {"grants_find", false, [](Store& s) { return fault_of(s.grants().find("ana")); }},
    {"grants_list", false, [](Store& s) { return fault_of(s.grants().list()); }},
    {"grants_rotate", true, [](Store& s) { return fault_of(s.grants().rotate("g1", hash_token("3"), 1)); }},
    {"grants_revoke", true, [](Store& s) { return fault_of(s.grants().revoke("g1", 1)); }},
    {"pins_find", false, [](Store& s) { return fault_of(s.pins().find(key)); }},
    {"pins_lists", false, [](Store& s) { return fault_of(s.pins().lists("valkey")); }},
    {"pins_pin_first", true, [](Store& s) { return fault_of(s.pins().pin_first({"x", "y", "z"}, std::vector{definition}, 1)); }},
    {"pins_offer", true, [](Store& s) { return fault_of(s.pins().offer(key, std::vector{definition})); }},
    {"pins_accept", true, [](Store& s) { return fault_of(s.pins().accept(key, std::vector{definition})); }},
    {"pins_replace", true, [](Store& s) { return fault_of(s.pins().replace(key, {})); }},
    {"pins_readdress", true,
     [](Store& s) {
       return fault_of(s.pins().readdress(key.server, [](std::string_view) { return std::string("elsewhere"); }));
     }},
    {"answers_find", false, [](Store& s) { return fault_of(s.answers().find(key)); }},
    {"answers_put", true, [](Store& s) { return fault_of(s.answers().put(key, {.text = "{}"})); }},
    {"meta_get", false, [](Store& s) { return fault_of(s.meta().get("k")); }},
    {"meta_put", true, [](Store& s) { return fault_of(s.meta().put("k", "v")); }},
    {"meta_put_once", true, [](Store& s) { return fault_of(s.meta().put_once("other", "v")); }},
};

/// A filled store, and another connection to its file for making trouble.
class StoreFault : public testing::TestWithParam<Operation> {
 protected:
  void SetUp() override {
    store_ = open(folder_.path(), {.busy = milliseconds(1)}).value();
    ASSERT_TRUE(store_->servers().add({.name = "valkey", .url = "http://h"}));
    ASSERT_TRUE(store_->grants().add({.id = "g1", .name = "ana", .server = "valkey", .token_hash = hash_token("1")}));
    ASSERT_TRUE(store_->pins().pin_first(key, std::vector{definition}, 1));
    other_ = Database::open(folder_.path() / "callgate.db", milliseconds(1)).value();
  }

  TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Database> other_;
};

INSTANTIATE_TEST_SUITE_P(Store, StoreFault, testing::ValuesIn(operations), [](const auto& row) { return row.param.name; });

TEST_P(StoreFault, WhileAnotherProcessWritesReadingGoesOnAndWritingIsUnavailable) {
  auto held = Transaction::begin(*other_);
  ASSERT_TRUE(held);
  const Error fault = GetParam().run(*store_);
  if (GetParam().writes) {
    EXPECT_EQ(fault.kind, ErrorKind::unavailable) << fault.message;
    EXPECT_NE(fault.message.find("is locked by another process; try again"), std::string::npos) << fault.message;
  } else {
    EXPECT_EQ(fault.message, "");
  }
}

TEST_P(StoreFault, ItWorksAgainOnceTheOtherIsDone) {
  {
    auto held = Transaction::begin(*other_);
    [[maybe_unused]] const Error refused = GetParam().run(*store_);
  }
  EXPECT_EQ(GetParam().run(*store_).message, "");
}

/// Security requirement S22: a broken store answers nothing by guess.
TEST_P(StoreFault, WithoutItsTableNothingIsAnsweredByGuess) {
  ASSERT_TRUE(other_->execute("PRAGMA foreign_keys=OFF; DROP TABLE servers; DROP TABLE grants; DROP TABLE pinned_lists; "
                              "DROP TABLE definitions; DROP TABLE unknown_tool_answers; DROP TABLE meta"));
  EXPECT_NE(GetParam().run(*store_).message, "");
}

TEST(SharedStore, ADamagedTokenHashIsNotCompared) {
  const TemporaryFolder folder;
  const auto store = open(folder.path()).value();
  ASSERT_TRUE(store->grants().add({.id = "g1", .name = "ana", .server = "s", .token_hash = hash_token("1")}));
  const auto other = Database::open(folder.path() / "callgate.db", milliseconds(100)).value();
  ASSERT_TRUE(other->execute("UPDATE grants SET token_hash = x'00'"));
  EXPECT_EQ(store->grants().find("ana").error().kind, ErrorKind::unavailable);
  EXPECT_EQ(store->grants().list().error().kind, ErrorKind::unavailable);
}

TEST(SharedStore, OneStoreServesSeveralThreads) {
  const TemporaryFolder folder;
  const auto store = open(folder.path()).value();
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&store, t] {
        for (int i = 0; i < 10; ++i) {
          EXPECT_TRUE(store->meta().put(std::to_string(t), std::to_string(i)));
          EXPECT_EQ(store->meta().get(std::to_string(t)).value(), std::to_string(i));
          EXPECT_TRUE(store->version());
        }
      });
    }
  }
  EXPECT_EQ(store->meta().get("3").value(), "9");
}

TEST(SharedStore, ProcessesThatWriteAtOnceLoseNothing) {
  const TemporaryFolder folder;
  ASSERT_TRUE(open(folder.path()));
  constexpr int processes = 4;
  constexpr int writes = 8;
  std::vector<pid_t> children;
  for (int p = 0; p < processes; ++p) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto store = open(folder.path(), {.busy = std::chrono::seconds(30)});
      bool good = store.has_value();
      for (int i = 0; good && i < writes; ++i) {
        const std::string name = "s" + std::to_string(p) + "-" + std::to_string(i);
        good = (*store)->servers().add({.name = name, .url = "http://h"}).has_value();
      }
      ::_exit(good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(open(folder.path()).value()->servers().list().value().size(), std::size_t{processes * writes});
}

TEST(SharedStore, TheWaitForAnotherProcessCanBeCutShort) {
  const TemporaryFolder folder;
  const auto store = open(folder.path(), {.busy = std::chrono::seconds(60)}).value();
  const auto other = Database::open(folder.path() / "callgate.db", milliseconds(1)).value();
  const auto held = Transaction::begin(*other);
  ASSERT_TRUE(held);
  store->wait_at_most(milliseconds(1));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(store->meta().put("k", "v").error().kind, ErrorKind::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

TEST(SharedStore, AProcessThatIsKilledInATransactionLeavesNoTrace) {
  const TemporaryFolder folder;
  ASSERT_TRUE(open(folder.path()).value()->meta().put("k", "before"));
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto database = Database::open(folder.path() / "callgate.db", std::chrono::seconds(30));
    const auto transaction = Transaction::begin(**database);
    [[maybe_unused]] const auto done = (*database)->execute("UPDATE meta SET value = 'half'");
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  const auto store = open(folder.path()).value();
  EXPECT_EQ(store->meta().get("k").value(), "before");
  EXPECT_TRUE(store->meta().put("k", "after"));
}

}  // namespace
}  // namespace callgate::store::faults_test
