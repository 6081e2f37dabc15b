#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "mcp/message.hpp"
#include "upstream/link.hpp"
#include "upstream/written_pool.hpp"

/// What the two bridges between the eras of MCP share.
namespace callgate::upstream {

/// What a bridge says to a server in its own name.
enum class Own : std::uint8_t {
  open,       ///< server/discover or the handshake
  subscribe,  ///< a subscription, or a resource to watch
  answer,     ///< what the client answered to a question of the server
  cancel,     ///< a call that nobody waits for
  end,        ///< a session that nobody uses
};

/// How a bridge gets what it needs from the gate.
struct BridgeParts {
  net::Loop& loop;
  std::string server;
  std::chrono::milliseconds start_time{60'000};
  bool starts_programs = false;  ///< what a session is opened with may have to start first
  /// A permit for a message of its own, which is on record then.
  std::function<net::Task<Result<policy::Permit>>(Own)> permit;
  /// The header lines that mirror a modern request; empty where the transport has none.
  std::function<std::string(const mcp::Message&)> mirror;
  /// Hears that a session was opened in the place of one that is gone, and for whom.
  std::function<void(Reader met_by)> opened_anew{};
  net::ServerRoom room{};  ///< for large messages that wait for a client
  std::shared_ptr<WrittenPool> written = std::make_shared<WrittenPool>();  ///< of all bridges to this server
};

/// A client has so long to answer what a server asks of it.
inline constexpr std::chrono::minutes answer_time{10};
/// A call goes on so long while its client is asked.
inline constexpr std::chrono::minutes longest_call{30};

inline Failure bridge_failure(Error error, bool sent = true) { return {.error = std::move(error), .sent = sent}; }

/// What a large answer takes up of its room, for the one that is made of it.
inline std::unique_ptr<net::ReplyPart> part_of(Delivery& delivery) {
  return delivery.reply ? delivery.reply->take_part() : std::move(delivery.part);
}

/// An answer that the bridge gives itself.
inline Delivery own_delivery(std::string bytes, int status = 200) {
  Delivery delivery{.kind = Delivery::Kind::answer, .http_status = status};
  delivery.owned = std::make_unique<const std::string>(std::move(bytes));
  delivery.bytes = *delivery.owned;
  return delivery;
}

}  // namespace callgate::upstream
