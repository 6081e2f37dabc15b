#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "mcp/sse.hpp"
#include "net/http_client.hpp"
#include "net/pooled.hpp"
#include "upstream/link.hpp"

namespace callgate::upstream {

/// One server reached by Streamable HTTP; shared by all links to it.
struct HttpOrigin {
  HttpOrigin(net::Loop& loop, net::Url url, std::shared_ptr<net::TlsClient> tls, net::ServerRoom room)
      : client(loop, std::move(url), std::move(tls), {.room = std::move(room)}) {}
  /// `room`: for large answers, shared with other origins.
  static Result<std::unique_ptr<HttpOrigin>> make(net::Loop& loop, const config::Server& server, std::size_t max_result, std::shared_ptr<net::ReplyRoom> room);

  net::HttpClient client;
  std::string headers;         ///< the operator's own, ready lines
  std::size_t max_result = 0;  ///< bytes of one answer, all its events together
  /// For answers that are read and done with at once: keeps its memory, but that of a large one.
  std::optional<json::Document> scratch{std::in_place};
};

/// One legacy session, or the stateless form, over Streamable HTTP
/// (basic/transports). Messages go out as they are; answers are read once.
class HttpLink final : public Link {
 public:
  /// Whether the server may open a session by its answers; the stateless form has none.
  enum class Sessions : std::uint8_t { none, one };
  HttpLink(HttpOrigin& origin, Sessions sessions) : origin_(origin), sessions_(sessions) {}

  void on_unsolicited(Sink* /*sink*/) override {}
  void agreed(std::string_view revision) override;
  bool alive() const override { return !lost_; }
  bool has_stream() const override { return true; }
  /// The end of the connection says it.
  bool hears_cancels() const override { return false; }
  bool has_session() const { return !session_.empty(); }

 protected:
  net::Task<Forwarded> transmit(Outbound out, Sink& sink) override;

 private:
  struct Wanted;  ///< the answer that is waited for
  net::PooledText head_lines(const Outbound& out) const;
  net::Task<Forwarded> read_json(std::unique_ptr<net::HttpReply> reply, Wanted& wanted);
  net::Task<Forwarded> read_events(std::unique_ptr<net::HttpReply> reply, Wanted& wanted, Sink& sink);

  HttpOrigin& origin_;
  Sessions sessions_;
  std::string session_;   ///< the server's id of the session; empty without one
  std::string revision_;
  bool lost_ = false;
};

}  // namespace callgate::upstream
