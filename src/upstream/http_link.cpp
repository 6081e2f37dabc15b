#include "upstream/http_link.hpp"

#include <algorithm>
#include <cassert>
#include <functional>
#include <optional>

#include <fmt/format.h>

#include "base/append.hpp"
#include "base/json_words.hpp"
#include "mcp/servers_code.hpp"
#include "mcp/sse.hpp"
#include "upstream/http_words.hpp"

namespace callgate::upstream {

namespace {

/// The reader's own words are for the log, not for an agent; without a key that they quote.
Failure unreadable(const Error& why) {
  Failure failure = failed(ErrorKind::malformed, "the server's answer is not a well-formed MCP message");
  failure.error.where = json::without_key(why);
  return failure;
}

/// What a larger answer was read into is not kept.
constexpr std::size_t most_kept_scratch = std::size_t{256} << 10U;

/// Uses an origin's scratch document for one text.
class Scratch {
 public:
  Scratch(HttpOrigin& origin, std::size_t bytes) : origin_(origin), large_(bytes > most_kept_scratch) {}
  ~Scratch() {
    if (large_) origin_.scratch.emplace();
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  json::Document& document() { return *origin_.scratch; }

 private:
  HttpOrigin& origin_;
  bool large_;
};

/// The bytes of an answer live in its reply.
Delivery answer_of(std::unique_ptr<net::HttpReply> reply, Delivery answer) {
  answer.reply = std::move(reply);
  return answer;
}

/// The event as clients may have it: in the server's own bytes where no reader takes
/// them for more than the gate did, else written anew to `anew`.
std::string_view shown_raw(const mcp::SseEvent& event, std::string& anew) {
  if (event.plain) return event.raw;
  anew.clear();
  mcp::append_sse_event(anew, event);
  return anew;
}

/// Where the message stands in its event; the event's size where it stands there in another form. Nothing is searched
/// for, since a server could make that take as long as it likes: the event as it came is what the message was read
/// from, and one that was written ends with it.
std::size_t place_in(std::string_view raw, std::string_view data) {
  const std::less_equal<> before;
  if (before(raw.data(), data.data()) && before(data.data() + data.size(), raw.data() + raw.size())) return static_cast<std::size_t>(data.data() - raw.data());
  constexpr std::string_view end = "\n\n";
  const bool at_end = raw.size() >= data.size() + end.size() && raw.substr(raw.size() - end.size() - data.size(), data.size()) == data;
  return at_end ? raw.size() - end.size() - data.size() : raw.size();
}

/// The event and its message outlive what they were read from: kept once where one stands in the other.
void own_both(Delivery& answer, std::string_view raw, std::string_view data) {
  const std::size_t at = place_in(raw, data);
  std::string both;
  both.reserve(std::max(raw.size(), at + data.size()));
  both += raw;
  if (at == raw.size()) both += data;
  answer.owned = std::make_unique<const std::string>(std::move(both));
  answer.raw = std::string_view(*answer.owned).substr(0, raw.size());
  answer.bytes = std::string_view(*answer.owned).substr(at, data.size());
}

/// A message in which the server says a code of the gateway's own, with the code that it
/// has here. Its views hold as long as this.
struct Recoded {
  std::string text;
  std::string raw;  ///< the event that it stands in
  json::Document document;

  Result<mcp::Message> make(const mcp::Message& message, std::string_view event_id) {
    text = mcp::with_servers_code(message);
    raw.clear();
    mcp::append_sse_event(raw, text, "message", event_id);
    return mcp::read_message(text, document, mcp::Direction::from_server, answer_limits);
  }
};

}  // namespace

/// What a transmission waits for.
struct HttpLink::Wanted {
  std::string_view id;     ///< as written; empty: no answer is due
  std::string_view token;  ///< of its progress
  CallDeadline deadline;
  const SeenAnswer* seen = nullptr;
  std::size_t bytes = 0;   ///< of all events so far
  bool may_resume = false;
  bool endless = false;    ///< events come for as long as somebody listens
  bool session_unknown = false;  ///< by this very answer
  std::string last_id;     ///< of the events so far
};

Result<std::unique_ptr<HttpOrigin>> HttpOrigin::make(net::Loop& loop, const config::Server& server, std::size_t max_result, std::shared_ptr<net::ReplyRoom> room) {
  auto url = net::Url::parse(server.url);
  if (!url) return std::unexpected(url.error());
  std::shared_ptr<net::TlsClient> tls;
  if (url->tls) {
    auto made = net::TlsClient::make(server.ca_file.string());
    if (!made) return std::unexpected(made.error());
    tls = std::move(*made);
  }
  auto origin = std::make_unique<HttpOrigin>(loop, std::move(*url), std::move(tls), net::ServerRoom{std::move(room), server.name});
  origin->max_result = max_result;
  for (const auto& [name, value] : server.headers) {
    origin->headers += name;
    origin->headers += ": ";
    origin->headers += value.reveal();
    origin->headers += "\r\n";
  }
  return origin;
}

void HttpLink::agreed(std::string_view revision) {
  // It becomes a header line: a word of ours, never the server's text.
  assert(is_visible_ascii(revision));
  revision_ = revision;
}

net::PooledText HttpLink::head_lines(const Outbound& out) const {
  net::PooledText lines;
  lines.reserve(256 + out.headers.size() + origin_.headers.size());
  if (out.form == Form::message) lines += "Content-Type: application/json\r\n";
  if (out.form != Form::end_session)
    lines += out.form == Form::open_stream ? "Accept: text/event-stream\r\n"
                                           : "Accept: application/json, text/event-stream\r\n";
  if (!session_.empty()) {
    append_all(lines, "Mcp-Session-Id: ", session_, "\r\n");
  }
  if (!revision_.empty()) {
    append_all(lines, "MCP-Protocol-Version: ", revision_, "\r\n");
  }
  if (is_visible_ascii(out.last_event_id)) {
    append_all(lines, "Last-Event-ID: ", out.last_event_id, "\r\n");
  }
  append_all(lines, out.headers, origin_.headers);
  return lines;
}

net::Task<Forwarded> HttpLink::transmit(Outbound out, Sink& sink) {
  const bool request = out.message != nullptr && out.message->is_request();
  Wanted wanted{.id = request ? out.message->id_text : std::string_view{},
                .token = request ? progress_token(*out.message) : std::string_view{},
                .deadline = CallDeadline(origin_.client.loop(), out.time),
                .seen = out.seen,
                .may_resume = out.may_resume,
                .endless = out.endless || !request};
  const std::string_view method =
      out.form == Form::message ? "POST" : out.form == Form::open_stream ? "GET" : "DELETE";
  auto sent = co_await origin_.client.send(method, head_lines(out), out.bytes, wanted.deadline.left());
  if (!sent) co_return std::unexpected(not_exchanged(std::move(sent.error())));
  std::unique_ptr<net::HttpReply> reply = std::move(*sent);
  reply->belongs_to(sink);
  const int status = reply->status();

  wanted.session_unknown = status == 404 && !session_.empty();
  if (wanted.session_unknown) lost_ = true;
  if (out.form == Form::end_session) lost_ = true;
  if (const auto id = reply->headers().find(net::HeaderName::mcp_session_id); sessions_ == Sessions::one && session_.empty() && is_visible_ascii(id) && status < 300)
    session_ = id;
  if (is_compressed(*reply))
    co_return std::unexpected(failed(ErrorKind::malformed, "the server compressed its answer, which was not offered"));

  const std::string_view type = reply->headers().find(net::HeaderName::content_type);
  const bool events = has_media_type(type, "text/event-stream");
  // Only the stream that was asked for may have no end: what answers a notification or response is not read.
  const bool streams = out.form == Form::open_stream || !wanted.id.empty();
  if (status < 300 && events && streams) co_return co_await read_events(std::move(reply), wanted, sink);
  if (status < 300 && wanted.id.empty()) {
    Delivery done{.http_status = status};
    co_return done;
  }
  if (out.form != Form::message) {
    Delivery done{.http_status = status};
    if (out.form == Form::open_stream && status != 405) done.session_lost = lost_;
    co_return done;
  }
  if (!has_media_type(type, "application/json") || wanted.id.empty()) {
    if (status >= 300) co_return std::unexpected(refused_by_server(status, wanted.session_unknown));
    co_return std::unexpected(failed(ErrorKind::malformed, "the server's answer is neither JSON nor an event stream"));
  }
  co_return co_await read_json(std::move(reply), wanted);
}

net::Task<Forwarded> HttpLink::read_json(std::unique_ptr<net::HttpReply> reply, Wanted& wanted) {
  const int status = reply->status();
  auto body = co_await reply->whole(origin_.max_result, wanted.deadline.left());
  if (!body) co_return std::unexpected(Failure{std::move(body.error()), true});
  if (wanted.seen != nullptr && status == 200 && wanted.seen->is(*body, wanted.id))
    co_return answer_of(std::move(reply), {.kind = Delivery::Kind::answer, .bytes = *body, .look = {.may_go_on = false}, .session_lost = lost_, .seen = true});
  // Nothing is awaited while the scratch document is in use.
  Scratch scratch(origin_, body->size());
  auto message = mcp::read_message(*body, scratch.document(), mcp::Direction::from_server, answer_limits);
  if (!message) {
    if (status >= 300) co_return std::unexpected(refused_by_server(status, wanted.session_unknown));
    co_return std::unexpected(unreadable(message.error()));
  }
  const bool ours = message->is_response() && mcp::same_id(message->id_text, wanted.id);
  if (!ours) {
    if (status >= 300) co_return std::unexpected(refused_by_server(status, wanted.session_unknown));
    co_return std::unexpected(failed(ErrorKind::malformed, "the server answered another request than the one it was sent"));
  }
  if (status >= 300 && status < 400) co_return std::unexpected(refused_by_server(status, wanted.session_unknown));
  if (mcp::says_own_code(*message)) {
    Recoded recoded;
    const auto again = recoded.make(*message, {});
    if (!again) co_return std::unexpected(unreadable(again.error()));
    Delivery answer{.kind = Delivery::Kind::answer, .http_status = status, .look = mcp::look_at(*again), .session_lost = lost_};
    answer.owned = std::make_unique<const std::string>(std::move(recoded.text));
    answer.bytes = *answer.owned;
    // It outlives the reply, which counted the server's text: this one is a little longer at most.
    answer.part = reply->take_part();
    co_return answer;
  }
  co_return answer_of(std::move(reply), {.kind = Delivery::Kind::answer, .bytes = *body, .http_status = status,
                                         .look = mcp::look_at(*message), .session_lost = lost_});
}

net::Task<Forwarded> HttpLink::read_events(std::unique_ptr<net::HttpReply> reply, Wanted& wanted, Sink& sink) {
  mcp::SseReader reader(origin_.max_result);
  std::optional<json::Document> document(std::in_place);
  const bool endless = wanted.endless;
  if (wanted.id.empty() && !co_await sink.opened()) co_return Delivery{};
  for (;;) {
    auto chunk = co_await reply->next(endless ? net::Loop::forever : wanted.deadline.left());
    if (!chunk) co_return std::unexpected(Failure{std::move(chunk.error()), true});
    if (chunk->empty()) {
      if (wanted.id.empty()) co_return Delivery{};
      if (!wanted.last_id.empty() && wanted.may_resume) {
        Delivery left{.kind = Delivery::Kind::resumable, .owned = std::make_unique<const std::string>(std::move(wanted.last_id))};
        left.bytes = *left.owned;
        co_return left;
      }
      co_return std::unexpected(failed(ErrorKind::closed, "the server ended the stream without an answer"));
    }
    // All events of one call stay under the limit of one answer; a session's own stream has no end.
    wanted.bytes += chunk->size();
    if (!endless && wanted.bytes > origin_.max_result)
      co_return std::unexpected(failed(ErrorKind::too_large, fmt::format("the server's answer is over {} bytes", origin_.max_result)));
    reader.push(*chunk);
    if (auto counted = reply->count(reader.pending()); !counted) co_return std::unexpected(Failure{std::move(counted.error()), true});
    for (;;) {
      auto event = reader.next();
      if (!event) co_return std::unexpected(Failure{std::move(event.error()), true});
      if (!*event) break;
      // Of another type is no message (a keep-alive, say): no client would take it for one, nor does the gate.
      if ((*event)->has_data && !(*event)->data.empty() && !(*event)->is_message()) continue;
      const std::string_view event_id = (*event)->id.value_or(std::string_view());
      if ((*event)->id) wanted.last_id = event_id;
      // What is written anew lives no longer than its event: the stream may be open for days.
      std::string anew;
      std::optional<Recoded> recoded;
      std::string_view raw = shown_raw(**event, anew);
      if (!(*event)->has_data || (*event)->data.empty()) {
        if (!co_await sink.event({.raw = raw, .id = event_id, .retry = (*event)->retry.value_or(std::string_view())})) co_return std::unexpected(broken_off());
        continue;
      }
      if (document->memory() > most_kept_scratch) document.emplace();
      auto message = mcp::read_message((*event)->data, *document, mcp::Direction::from_server, answer_limits);
      if (!message)
        co_return std::unexpected(unreadable(message.error()));
      std::string_view data = (*event)->data;
      if (mcp::says_own_code(*message)) {
        message = recoded.emplace().make(*message, event_id);
        if (!message) co_return std::unexpected(unreadable(message.error()));
        raw = recoded->raw;
        data = recoded->text;
      }
      const std::size_t rewritten = anew.size() + (recoded ? recoded->raw.size() + recoded->text.size() : 0);
      if (auto counted = reply->count((*event)->raw.size() + reader.pending() + rewritten); !counted) co_return std::unexpected(Failure{std::move(counted.error()), true});
      if (!wanted.id.empty() && message->is_response() && mcp::same_id(message->id_text, wanted.id)) {
        Delivery answer{.kind = Delivery::Kind::answer, .look = mcp::look_at(*message)};
        own_both(answer, raw, data);
        // Where the stream's end is here already, taking it keeps the connection for others.
        [[maybe_unused]] const auto rest = co_await reply->next(net::Duration::zero());
        // A large one takes up its room until it was passed on.
        answer.part = reply->take_part();
        co_return answer;
      }
      if (is_progress_for(*message, wanted.token)) wanted.deadline.progress();
      const Event out{.message = &*message, .bytes = data, .raw = raw, .id = event_id, .retry = (*event)->retry.value_or(std::string_view())};
      if (!co_await sink.event(out)) co_return std::unexpected(broken_off());
      // A client that takes its events slowly holds the call no longer than a server that says nothing.
      if (!endless && wanted.deadline.left() == net::Duration::zero())
        co_return std::unexpected(failed(ErrorKind::timeout, "the server did not answer in time"));
    }
    if (document->memory() > most_kept_scratch) document.emplace();
    if (endless) reply->keep_counted(reader.pending());
  }
}

}  // namespace callgate::upstream
