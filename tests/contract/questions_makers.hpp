#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "approval/memory_questions.hpp"
#include "approval/shared_questions.hpp"
#include "net/redis_server.hpp"

namespace callgate::approval {

/// Questions, each time without any; a test moves their time.
class QuestionsMaker {
 public:
  virtual ~QuestionsMaker() = default;
  virtual void make(Limits limits) = 0;
  /// As a gateway sees them: all see the same.
  virtual Questions& at(std::size_t gateway) = 0;
  /// Until everybody heard what happened by now.
  virtual void spread() {}
  virtual std::size_t gateways() const { return 1; }

  net::Loop loop;
  Moment now{.boot = BootTime{} + std::chrono::hours(1), .wall_ms = 1'800'000'000'000};

 protected:
  std::string next_id() { return fmt::format("01ARZ3NDEKTSV4RRFFQ69{:05}", ++ids_); }

 private:
  int ids_ = 0;
};

class MemoryQuestionsMaker final : public QuestionsMaker {
 public:
  void make(Limits limits) override {
    questions_.reset();
    desk_ = std::make_unique<Desk>([this](std::int64_t) { return next_id(); }, limits);
    questions_ = std::make_unique<MemoryQuestions>(*desk_);
  }
  Questions& at(std::size_t /*gateway*/) override { return *questions_; }

 private:
  std::unique_ptr<Desk> desk_;
  std::unique_ptr<MemoryQuestions> questions_;
};

/// Several gateways on one server, each with a connection of its own.
class SharedQuestionsMaker final : public QuestionsMaker {
 public:
  explicit SharedQuestionsMaker(std::size_t count) : count_(count) {}

  void make(Limits limits) override {
    gateways_.clear();
    for (std::size_t i = 0; i < count_; ++i) {
      gateways_.push_back(std::make_unique<Gateway>(loop, server()));
      if (i == 0) EXPECT_FALSE(callgate::test::ask(gateways_[0]->client, {"FLUSHALL"})->is_error());
      gateways_[i]->questions.emplace(gateways_[i]->client, gateways_[i]->feed, [this](std::int64_t) { return next_id(); },
                                      SharedQuestions::Options{.gateway = fmt::format("g{}", i), .time = SharedQuestions::Time::of_caller}, limits);
      EXPECT_TRUE(callgate::test::await(loop, gateways_[i]->feed.look()));
    }
  }
  Questions& at(std::size_t gateway) override { return *gateways_[gateway % count_]->questions; }
  std::size_t gateways() const override { return count_; }
  void spread() override {
    for (const auto& each : gateways_) run(each->questions->settled(std::chrono::seconds(5)));
    for (const auto& each : gateways_) EXPECT_TRUE(callgate::test::await(loop, each->feed.look()));
    // What a look began to read is read before the answer to the next command.
    for (const auto& each : gateways_) run(each->questions->hold());
    for (const auto& each : gateways_) EXPECT_TRUE(callgate::test::await(loop, each->feed.look()));
  }

 private:
  struct Gateway {
    Gateway(net::Loop& loop, const callgate::test::RedisServer& server) : client(loop, server.place()), feed(client) { client.start({}); }
    net::RedisClient client;
    net::RedisFeed feed;
    std::optional<SharedQuestions> questions;
  };
  static callgate::test::RedisServer& server() {
    static callgate::test::RedisServer one;
    return one;
  }
  void run(net::Task<void> task) {
    struct Then {
      static net::Task<bool> it(net::Task<void> inner) {
        co_await inner;
        co_return true;
      }
    };
    callgate::test::await(loop, Then::it(std::move(task)));
  }

  std::size_t count_;
  std::vector<std::unique_ptr<Gateway>> gateways_;
};

inline std::unique_ptr<QuestionsMaker> questions_maker(const std::string& name) {
  if (name == "memory") return std::make_unique<MemoryQuestionsMaker>();
  return std::make_unique<SharedQuestionsMaker>(name == "shared" ? 1 : 3);
}

inline Question some_question(std::string_view tool = "valkey_write", std::string_view arguments = R"({"key":"a"})", std::string_view grant = "g1") {
  return {.binding = {.grant = std::string(grant),
                      .session = {},
                      .server = "valkey",
                      .address = "uvx awslabs.valkey-mcp-server",
                      .tool = std::string(tool),
                      .args_digest = std::string(arguments),
                      .rest_digest = {},
                      .definition = "sha256:d1",
                      .rule_digest = "sha256:r1"},
          .arguments = std::string(arguments),
          .bytes = {},
          .session = "s1",
          .rule = "/tools/valkey_write",
          .reason = "writes need a look",
          .timeout = std::chrono::seconds(600)};
}

}  // namespace callgate::approval
