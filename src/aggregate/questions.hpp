#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "aggregate/router.hpp"
#include "mcp/tool_list.hpp"

/// One question to several servers, whose answers are waited for together and not
/// for ever. Threads: the loop's.
namespace callgate::aggregate {

/// Why there is no result, in words of ours: clients read them beside what other servers say. `failure`: what the
/// gate said, empty where the answer is the server's.
std::string reason_of(const Result<mcp::Message>& answer, const std::string& failure);
/// The error's own sentence, for the log; empty where there is none.
std::string words_of(const Result<mcp::Message>& answer);

/// A page of a server's list; what was read of it points into it.
struct Page {
  std::string text;
  json::Document document;
  mcp::ListPage list;
};

struct Router::Question {
  std::string server;
  Origin origin{};
  std::vector<std::unique_ptr<Page>> pages;
  std::string answer; ///< where all were told one thing; empty: none came
  std::string fault;  ///< why its part is missing
  std::string words;  ///< what was said of that, for the log
  bool over = false;
};

/// Shared by whoever waits and whoever still asks: the one may be gone before the
/// other. Whoever waits no longer gives them up, and nothing is asked after that.
struct Router::Questions {
  explicit Questions(net::Loop& loop) : changed(loop) {}

  void give_up(Company& company) {
    given_up = true;
    changed.notify();
    company.changed.notify();
  }

  /// Counts one as over, however it ends.
  class Over {
   public:
    explicit Over(Questions& all) : all_(all) {}
    Over(const Over&) = delete;
    Over& operator=(const Over&) = delete;
    ~Over() {
      --all_.under_way;
      all_.changed.notify();
    }

   private:
    Questions& all_;
  };

  /// Returns as well once `gone` is set, which `changed` tells; null: nobody can go.
  net::Task<void> wait(net::Loop& loop, net::Duration time, const bool* gone = nullptr) {
    const net::Instant until = loop.now() + time;
    while (under_way != 0 && !given_up && !(gone != nullptr && *gone) && loop.now() < until) co_await changed.wait(until - loop.now());
  }

  mcp::MethodId method = mcp::MethodId::unknown;
  std::vector<Question> each;
  std::size_t under_way = 0;
  bool given_up = false;
  net::Broadcast changed;
};

}  // namespace callgate::aggregate
