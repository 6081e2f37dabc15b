#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.hpp"
#include "config/config.hpp"
#include "net/child.hpp"
#include "upstream/call_router.hpp"
#include "upstream/stderr_log.hpp"

namespace callgate::upstream {

/// One child process that speaks MCP over stdin and stdout.
class StdioLink final : public Link {
 public:
  /// Who hears how the program fares; each may be empty.
  struct Hearers {
    std::function<void(net::Duration took)> spoke;        ///< it sent its first message, so long after its start
    std::function<void()> ended_unheard;                  ///< it ended by itself before it did
    std::function<void(const std::string& how)> ended{};  ///< the same a little later: how, and its last words
    std::function<void()> skipped;                        ///< a line of it is no message
    std::shared_ptr<StderrLog> errors{};                  ///< hears its stderr; may be null
  };
  static Result<std::unique_ptr<StdioLink>> start(net::Loop& loop, const config::Server& server, std::size_t max_result,
                                                  std::shared_ptr<net::ReplyRoom> room, Ids ids, Log& log, Hearers hearers);
  ~StdioLink() override;

  void on_unsolicited(Sink* sink) override { router_.on_unsolicited(sink); }
  void agreed(std::string_view /*revision*/) override {}
  bool alive() const override { return !dead_; }
  bool starting() const override { return !spoke_ && !dead_; }
  bool was_asked() const override { return heard_ == Heard::era_question; }
  /// Nothing is under way; whoever has it next uses ids in this way.
  enum class Heard : std::uint8_t { nothing, era_question };
  void hand_on(Ids ids, Heard heard) {
    router_.use(ids);
    heard_ = heard;
  }
  /// What the child wrote to stderr last.
  std::string last_words() const { return child_->last_words(); }

 protected:
  net::Task<Forwarded> transmit(Outbound out, Sink& sink) override;

 private:
  StdioLink(net::Loop& loop, std::unique_ptr<net::Child> child, const config::Server& server, std::size_t max_result, net::ServerRoom room, Ids ids, Log& log, Hearers hearers);
  std::chrono::milliseconds time_for(const Outbound& out) const;
  net::Task<void> read();
  net::Task<void> tell_end();
  Error ended() const;
  void take_line(std::string_view line);
  bool is_too_noisy() const;

  net::Loop& loop_;
  std::unique_ptr<net::Child> child_;
  std::string server_;
  std::size_t max_result_;  ///< bytes of one answer with its events
  Log& log_;
  const Hearers hearers_;
  const net::Instant born_;
  const std::chrono::milliseconds start_time_;
  bool spoke_ = false;
  bool dead_ = false;
  std::optional<std::string> end_;  ///< how it ended, for an operator: no client reads what it wrote
  net::Broadcast end_known_;
  Heard heard_ = Heard::nothing;
  CallRouter router_;
  std::uint64_t noise_ = 0;  ///< lines that are no messages
  std::size_t noise_bytes_ = 0;     ///< for which no message made up
  std::size_t noise_run_ = 0;       ///< since the last message
  net::TaskGroup tasks_;
};

}  // namespace callgate::upstream
