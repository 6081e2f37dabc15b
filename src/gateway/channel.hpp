#pragma once

#include <string>
#include <string_view>

#include "net/loop.hpp"

namespace callgate::gateway {

/// The way back to the client for one message: an HTTP answer or lines on
/// stdout. The functions answer false when the client is gone.
class Channel {
 public:
  virtual ~Channel() = default;
  /// A message before the answer. `raw` is the server's own SSE event, if there
  /// was one; `bytes` may be empty then (priming events, comments).
  virtual net::Task<bool> event(std::string_view bytes, std::string_view raw) = 0;
  /// The answer; the channel is used up. `status` counts on HTTP only.
  virtual net::Task<bool> answer(std::string_view bytes, std::string_view raw = {}, int status = 200) = 0;
  /// The same for an answer in two parts, of which the first is small.
  virtual net::Task<bool> answer_in_parts(std::string_view begin, std::string_view rest);
  /// There is nothing to answer: a notification or response was taken.
  virtual net::Task<bool> accepted() = 0;
  /// The stream ends without an answer (cancelled, or to be resumed).
  virtual net::Task<bool> ended() = 0;
  virtual bool gone() const = 0;
  /// A whole answer is being written.
  virtual bool answering() const { return false; }
  /// Events may go on as the server wrote them.
  virtual bool takes_raw() const { return true; }
  /// Something may come before the answer.
  virtual bool streams() const { return true; }
  /// The client can ask for the rest of a stream that broke off (SSE over HTTP).
  virtual bool may_resume() const = 0;
  /// Tells a client without a grant from others: its session, or the address that it is at; empty: nothing does.
  virtual std::string client() const { return {}; }
  /// Returns once the client is gone.
  virtual net::Task<void> until_gone() = 0;

  /// The id of the last event of the server's that went to the client, from behind which it would ask for the rest.
  void note_id(std::string_view id) {
    if (!id.empty()) last_id_ = id;
  }
  const std::string& last_id() const { return last_id_; }

 private:
  std::string last_id_;
};

inline net::Task<bool> Channel::answer_in_parts(std::string_view begin, std::string_view rest) {
  std::string whole(begin);
  whole += rest;
  co_return co_await answer(whole);
}

}  // namespace callgate::gateway
