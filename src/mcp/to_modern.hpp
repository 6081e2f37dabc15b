#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "mcp/answer_look.hpp"
#include "mcp/handshake.hpp"
#include "mcp/message.hpp"
#include "mcp/methods.hpp"
#include "mcp/written.hpp"

/// A client of the session era before a server of 2026-07-28: what its messages
/// become for that server, and the server's answers for it. Texts in, texts out;
/// every byte that need not change stays. Pure; any thread.
namespace callgate::mcp {

/// What a session knows of its client, for the `_meta` of each of its requests
/// (2026-07-28, basic/index "Request metadata"). JSON texts.
struct Envelope {
  std::string capabilities = "{}";
  std::string client_info;  ///< empty: none was given
  std::string log_level;    ///< empty: the server logs nothing
};
/// Reads what `initialize` says; capabilities that the gateway relays otherwise stay as they are.
Envelope envelope_of(const Message& initialize);

/// An envelope as it goes into requests: written once, and read once by the reader
/// of messages. Stays where it is.
class WrittenEnvelope {
 public:
  /// Error `invalid` or `too_large` where a request with this envelope would not be read.
  Result<void> write(Envelope envelope);
  const Envelope& parts() const { return envelope_; }

 private:
  friend Result<void> with_envelope(const Message& request, const WrittenEnvelope& envelope, Written& out);
  Envelope envelope_;
  std::string members_;      ///< of `_meta`, with a comma behind the last
  std::string text_;         ///< of a request that holds nothing else
  json::Document document_;  ///< of that
};

/// The request with the envelope in its `_meta`, into `out`. Members of that name
/// that the client wrote stay, as does every byte of the request. The places of what
/// was read are kept: only where the client wrote a part of the envelope itself, or
/// no `params`, all of it is read again.
Result<void> with_envelope(const Message& request, const WrittenEnvelope& envelope, Written& out);

/// server/discover in the client's name.
std::string discover_request(std::string_view id_text, const Envelope& envelope);

/// subscriptions/listen for all lists and these resources (JSON texts of their URIs).
std::string listen_request(std::string_view id_text, const Envelope& envelope, std::span<const std::string> uri_texts);

/// What a server said to server/discover, as the answer to `initialize`. What
/// only 2026-07-28 has (`extensions`) is left out. Error `invalid` where it is
/// no such answer.
Result<std::string> initialize_answer(std::string_view id_text, const Message& discovered, Revision revision, std::string_view server_name);

/// One thing that a server asks of the client in an `input_required` answer.
struct InputAsk {
  std::string key;
  MethodId method = MethodId::unknown;
  std::string method_name;
  std::string params;  ///< JSON text; empty where there are none
};
/// Nothing where the answer is not `input_required`. Error `invalid` where it
/// asks for nothing and names no state, or asks more than 16 things.
Result<std::vector<InputAsk>> read_input_asks(const Message& answer);
bool is_input_required(const Message& answer);

/// Whether a client that declared this may be asked so. What it need not declare is not looked at.
bool may_be_asked(const ClientCapabilities& client, const InputAsk& ask);

/// The same as the request that a server of the session era would send.
std::string ask_request(std::string_view id_text, const InputAsk& ask);

/// The request once more, with another id, the client's answers (a JSON object)
/// and the server's state as it came. Pre: `request` has its envelope.
std::string with_inputs(const Message& request, std::string_view id_text, std::string_view responses, const Message& answer);

/// The answer to a request of method `of` under the client's id; nothing where it
/// is that already. `look`: at these bytes.
std::optional<std::string> legacy_answer(std::string_view bytes, const AnswerLook& look, std::string_view id_text, MethodId of);

}  // namespace callgate::mcp
