#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gateway/channel.hpp"
#include "gateway/conversation.hpp"
#include "net/http_server.hpp"

namespace callgate::gateway {

/// Whether the answer names the session that it opened.
enum class Announce : std::uint8_t { nothing, session };

/// An HTTP answer: one JSON body, or a stream of events when something comes
/// before the answer or the server chose a stream itself.
class HttpChannel final : public Channel {
 public:
  HttpChannel(net::HttpExchange& exchange, const Conversation& conversation, Announce announce)
      : exchange_(exchange), conversation_(conversation), announce_(announce) {}

  net::Task<bool> event(std::string_view bytes, std::string_view raw) override;
  net::Task<bool> answer(std::string_view bytes, std::string_view raw, int status) override;
  net::Task<bool> answer_in_parts(std::string_view begin, std::string_view rest) override;
  net::Task<bool> accepted() override;
  net::Task<bool> ended() override;
  bool gone() const override { return exchange_.is_gone(); }
  bool answering() const override { return exchange_.answering(); }
  net::Task<void> until_gone() override;
  bool streams() const override;
  bool may_resume() const override { return true; }
  /// A stateless client may name as many keys as it likes.
  std::string client() const override { return conversation_.session.id.empty() ? exchange_.ip() : conversation_.session.name; }

 private:
  std::string headers(std::string_view content) const;
  net::Task<bool> begin();
  net::Task<bool> end_stream(std::string_view bytes, std::string_view raw);
  /// The headers name the session, which is known when the server has answered:
  /// until then what comes before the answer is held.
  bool waits_for_session() const;
  net::Task<bool> write(std::string_view event);

  net::HttpExchange& exchange_;
  const Conversation& conversation_;
  Announce announce_;
  std::string held_;  ///< events
};

}  // namespace callgate::gateway
