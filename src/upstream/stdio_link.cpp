#include "upstream/stdio_link.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "mcp/one_line.hpp"
#include "registry/difference.hpp"

namespace callgate::upstream {

namespace {

/// What a server may print that is no message, before it is ended: without a
/// message in between, and in all.
constexpr std::size_t max_noise_run = 1024 * 1024;
constexpr std::size_t max_noise_bytes = 64 * 1024 * 1024;
/// Each message makes up for so much: a log line a call is no flood.
constexpr std::size_t noise_a_message = 64 * 1024;
/// For its stderr to close, and for its exit, once its stdout is closed.
constexpr net::Duration end_patience = std::chrono::milliseconds(500);
constexpr std::size_t shown_words = 1000;  ///< bytes of its last words in an error

/// The end of what it wrote, as one line that moves no terminal.
std::string one_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  std::ranges::replace(text, '\n', ' ');
  const std::string line = registry::visible(text);
  if (line.size() <= shown_words) return line;
  std::size_t begin = line.size() - shown_words;
  while (begin < line.size() && (static_cast<unsigned char>(line[begin]) & 0xC0U) == 0x80U) ++begin;
  return "…" + line.substr(begin);
}

}  // namespace

Result<std::unique_ptr<StdioLink>> StdioLink::start(net::Loop& loop, const config::Server& server, std::size_t max_result,
                                                    std::shared_ptr<net::ReplyRoom> room, Ids ids, Log& log, Hearers hearers) {
  net::ServerRoom of_server{std::move(room), server.name};
  net::ChildOptions options{.command = server.command,
                            .whole_environment = server.environment == config::ChildEnvironment::whole,
                            .max_line = max_result,
                            .room = of_server};
  if (hearers.errors) options.heard_error = [heard = hearers.errors, &loop](std::string_view line) { return heard->take(line, loop.now()); };
  for (const auto& [name, value] : server.env) options.environment.emplace_back(name, std::string(value.reveal()));
  auto child = net::Child::start(loop, std::move(options));
  if (!child) return std::unexpected(child.error());
  return std::unique_ptr<StdioLink>(new StdioLink(loop, std::move(*child), server, max_result, std::move(of_server), ids, log, std::move(hearers)));
}

StdioLink::StdioLink(net::Loop& loop, std::unique_ptr<net::Child> child, const config::Server& server,
                     std::size_t max_result, net::ServerRoom room, Ids ids, Log& log, Hearers hearers)
    : loop_(loop),
      child_(std::move(child)),
      server_(server.name),
      max_result_(max_result),
      log_(log),
      hearers_(std::move(hearers)),
      born_(loop.now()),
      start_time_(server.start_timeout),
      end_known_(loop),
      router_(loop, std::move(room), max_result, ids, log) {
  tasks_.spawn(read());
}

StdioLink::~StdioLink() { tasks_.cancel(); }

net::Task<void> StdioLink::read() {
  for (;;) {
    auto line = co_await child_->out().next(net::Loop::forever);
    if (line) {
      take_line(*line);
    } else if (line.error().kind == ErrorKind::closed) {
      break;
    } else if (line.error().kind == ErrorKind::unavailable) {
      log_.warn("upstream_line_dropped", {{"server", server_}, {"why", line.error().message}});
      router_.fail_all(line.error());
    } else {
      // Whose answer it was cannot be told any more.
      log_.warn("upstream_line_too_long", {{"server", server_}});
      noise_bytes_ += max_result_;
      router_.fail_all({ErrorKind::too_large, "the server sent a line that is too long", {}});
    }
    if (is_too_noisy()) {
      log_.error("upstream_killed", {{"server", server_}, {"why", "it printed too much that is no message"}, {"bytes", noise_bytes_}});
      child_->kill();
      break;
    }
  }
  const bool by_itself = !std::exchange(dead_, true);
  if (by_itself && !spoke_ && hearers_.ended_unheard) hearers_.ended_unheard();
  co_await tell_end();
  log_.warn(
      "upstream_ended",
      {{"server", server_}, {"how", child_->how_it_ended()}, {"stderr", last_words()}, {"lines_skipped", noise_}});
  if (by_itself && !spoke_ && hearers_.ended) hearers_.ended(*end_);
  router_.fail_all(ended());
}

net::Task<void> StdioLink::tell_end() {
  co_await child_->over(end_patience);
  const std::string how = child_->how_it_ended();
  const std::string words = one_line(last_words());
  end_ = fmt::format("the program {}", how.empty() ? "closed its stdout" : how);
  if (words.find_first_not_of(' ') != std::string::npos) *end_ += fmt::format("; its last words: {}", words);
  end_known_.notify();
}

/// The message is for clients, the place for operators.
Error StdioLink::ended() const { return {ErrorKind::closed, "the server's process ended", end_.value_or("")}; }

bool StdioLink::is_too_noisy() const { return noise_bytes_ > max_noise_bytes || noise_run_ > max_noise_run; }

void StdioLink::take_line(std::string_view line) {
  noise_bytes_ += line.size() + 1;
  noise_run_ += std::min(line.size() + 1, noise_a_message);  // one large answer that is broken is no flood
  if (line.empty()) return;
  if (const auto taken = router_.take(line); !taken) {
    // Many servers print banners and warnings on stdout: skipped, counted, never passed on.
    if (hearers_.skipped) hearers_.skipped();
    if (++noise_ <= 5 || noise_ % 1000 == 0)
      log_.warn("upstream_line_skipped", {{"server", server_}, {"why", taken.error().message}, {"count", noise_}});
    return;
  }
  noise_bytes_ -= std::min(noise_bytes_, line.size() + 1 + noise_a_message);
  noise_run_ = 0;
  if (!std::exchange(spoke_, true) && hearers_.spoke) hearers_.spoke(loop_.now() - born_);
}

/// A call has its time from when the child is there: what opens a session, or asks
/// whether there are any, has a time of its own for that.
std::chrono::milliseconds StdioLink::time_for(const Outbound& out) const {
  using enum mcp::MethodId;
  const bool opens = out.message == nullptr || out.message->method_id == initialize || out.message->method_id == server_discover;
  if (spoke_ || opens) return out.time;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(born_ + start_time_ - loop_.now());
  return out.time + std::max(left, std::chrono::milliseconds(0));
}

net::Task<Forwarded> StdioLink::transmit(Outbound out, Sink& sink) {
  if (out.form == Form::end_session) dead_ = true;
  if (out.form != Form::message) co_return Delivery{};
  if (dead_) co_return std::unexpected(Failure{ended(), false});
  CallRouter::Call call(loop_);
  const auto message = router_.begin(out, call, sink);
  if (!message) co_return Delivery{.http_status = 202};
  // On a pipe a line end would cut the message in two, the second of which nobody judged.
  std::string flat;
  if (auto sent = child_->in().send(mcp::as_one_line(*message, flat)); !sent) {
    if (sent.error().kind != ErrorKind::closed) co_return std::unexpected(Failure{std::move(sent.error()), false});
    // One that reads no more has ended almost always, which is known in a moment.
    if (!end_) [[maybe_unused]] const bool known = co_await end_known_.wait(end_patience);
    co_return std::unexpected(Failure{end_ ? ended() : std::move(sent.error()), false});
  }
  if (!call.linked()) co_return Delivery{.http_status = 202};
  co_return co_await router_.answer(call, time_for(out), sink);
}

}  // namespace callgate::upstream
