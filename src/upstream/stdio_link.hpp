#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.hpp"
#include "config/config.hpp"
#include "net/child.hpp"
#include "upstream/link.hpp"

namespace callgate::upstream {

/// Whether ids are those of one client, or of many that share the child.
enum class Ids : std::uint8_t {
  as_sent,  ///< one session, one child: the bytes stay as they are
  own,      ///< shared: ids and progress tokens are replaced by ours, and put back
};

/// One child process that speaks MCP over stdin and stdout.
class StdioLink final : public Link {
 public:
  static Result<std::unique_ptr<StdioLink>> start(net::Loop& loop, const config::Server& server, std::size_t max_result,
                                                  Ids ids, Log& log);
  ~StdioLink() override;

  void on_unsolicited(Sink* sink) override { unsolicited_ = sink; }
  void agreed(std::string_view /*revision*/) override {}
  bool alive() const override { return !dead_; }
  /// What the child wrote to stderr last.
  std::string last_words() const { return child_->last_words(); }

 protected:
  net::Task<Forwarded> transmit(Outbound out, Sink& sink) override;

 private:
  struct Call;
  struct Arrived {
    std::string bytes;
  };
  StdioLink(net::Loop& loop, std::unique_ptr<net::Child> child, std::string server, std::size_t max_result, Ids ids, Log& log);
  net::Task<void> read();
  net::Task<void> pump();
  void take_line(std::string_view line);
  bool is_too_noisy() const;
  void route(const mcp::Message& message);
  Call* find_call(std::string_view id);
  Call* call_of(const mcp::Message& message);
  static std::optional<json::Value> subscription_of(const mcp::Message& message);
  void fail_all(const Error& error);
  std::string with_own_ids(const mcp::Message& message, std::string_view own) const;
  std::optional<std::string> with_own_request(const mcp::Message& cancel, Ulid decision) const;

  net::Loop& loop_;
  std::unique_ptr<net::Child> child_;
  std::string server_;
  std::size_t max_result_;  ///< bytes of one answer with its events
  Ids ids_;
  Log& log_;
  bool dead_ = false;
  std::uint64_t next_id_ = 1;
  json::Document document_;
  net::ListNode calls_;  ///< in the order in which they were sent
  Sink* unsolicited_ = nullptr;
  std::deque<std::string> unrelated_;
  net::Signal has_unrelated_;
  std::uint64_t noise_ = 0;  ///< lines that are no messages
  std::size_t noise_bytes_ = 0;     ///< for which no message made up
  std::size_t noise_run_ = 0;       ///< since the last message
  std::uint64_t unexpected_ = 0;    ///< answers that nobody waits for
  net::TaskGroup tasks_;
};

}  // namespace callgate::upstream
