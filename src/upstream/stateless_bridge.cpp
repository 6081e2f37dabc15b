#include "upstream/stateless_bridge.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/random.hpp"
#include "mcp/answers.hpp"
#include "mcp/handshake.hpp"
#include "mcp/own_messages.hpp"
#include "mcp/tool_call.hpp"
#include "upstream/stateless_parts.hpp"

namespace callgate::upstream {

/// Hears what a session says beside its calls.
class StatelessBridge::Hearer final : public Sink {
 public:
  Hearer(StatelessBridge& bridge, const BehindRef& behind) : bridge_(bridge), behind_(behind) {}
  net::Task<bool> event(const Event& event) override {
    const BehindRef behind = behind_.lock();
    if (event.message == nullptr || !behind) co_return true;
    if (event.message->is_notification()) bridge_.tell(*behind, *event.message);
    // No request of a client is open that such a question could be an answer to.
    if (event.message->is_request())
      bridge_.tasks_.spawn(bridge_.say_later(behind, Own::answer, mcp::rpc_error(event.message->id_text, -32603, "no client is there to answer")));
    co_return true;
  }

 private:
  StatelessBridge& bridge_;
  std::weak_ptr<Behind> behind_;
};

/// A session that is being opened; whoever opens it may be gone before it is there.
struct StatelessBridge::Opening {
  Opening(StatelessBridge& its_bridge, BehindRef its_behind) : bridge(its_bridge), behind(std::move(its_behind)) { behind->opening = true; }
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;
  ~Opening() {
    behind->opening = false;
    if (!done) behind->link.reset();
    bridge.opened_.notify();
  }
  StatelessBridge& bridge;
  BehindRef behind;
  bool done = false;
};

StatelessBridge::~StatelessBridge() {
  for (const auto& [state, running] : parked_) running->over = true;
  for (const auto& [capabilities, behind] : sessions_) {
    if (behind) behind->stream.cancel();
  }
  tasks_.cancel();
}

std::string StatelessBridge::fresh_id() { return fmt::format("\"callgate-{}\"", next_id_++); }

net::Task<Forwarded> StatelessBridge::transmit(Outbound out, Sink& sink) {
  if (out.form == Form::end_session) {
    co_await end_all();
    co_return Delivery{.http_status = 200};
  }
  if (out.form != Form::message || out.message == nullptr) co_return Delivery{.http_status = 405};
  const mcp::Message& message = *out.message;
  if (!message.is_request()) co_return cancelled_by_client(message);
  if (message.method_id == mcp::MethodId::server_discover) co_return co_await discover(out);
  if (message.method_id == mcp::MethodId::subscriptions_listen) co_return co_await listen(std::move(out), sink);
  const auto state = message.params ? message.params.find("requestState") : std::nullopt;
  if (!state) co_return co_await start(std::move(out), sink);
  auto parked = find_parked(message);
  if (!parked) co_return own_delivery(mcp::rpc_error(message.id_text, -32602, "`requestState` is unknown, used, expired or of another request: make the call anew"), 400);
  co_return co_await resume(std::move(parked), std::move(out), sink);
}

/// The session for what this request's client can do; opened where there is none.
net::Task<Result<StatelessBridge::BehindRef>> StatelessBridge::session(const mcp::Message& request, const Sink& sink) {
  const auto meta = mcp::read_request_meta(request);
  if (!meta) co_return std::unexpected(meta.error());
  std::string capabilities = "{}";
  if (meta->client_capabilities) {
    capabilities.clear();
    json::append_canonical(capabilities, meta->client_capabilities);
  }
  const net::Instant until = parts_.loop.now() + parts_.start_time;
  for (;;) {
    BehindRef& known = sessions_[capabilities];
    if (!known && sessions_.size() > max_sessions && !make_room()) {
      sessions_.erase(capabilities);
      co_return fail(ErrorKind::unavailable, "the clients of this caller declare too many sets of capabilities");
    }
    if (!known) {
      known = std::make_shared<Behind>();
      known->capabilities = capabilities;
    }
    const BehindRef behind = known;
    behind->last_used = parts_.loop.now();
    if (behind->link && behind->link->alive() && !behind->opening) co_return behind;
    if (!behind->opening) {
      Opening opening(*this, behind);
      const bool anew = !behind->opened.empty();
      auto done = co_await open(behind, std::string(meta->client_info ? meta->client_info.text() : std::string_view{}));
      if (!done) co_return std::unexpected(std::move(done.error()));
      opening.done = true;
      if (anew) {
        behind->opened_anew = parts_.loop.now();
        if (parts_.opened_anew) parts_.opened_anew(sink.reader());
      }
      co_return behind;
    }
    const net::Duration left = until - parts_.loop.now();
    if (left <= net::Duration::zero() || !co_await opened_.wait(left)) co_return fail(ErrorKind::timeout, "the server's session is being opened");
  }
}

bool StatelessBridge::starting() const {
  const bool none = std::ranges::none_of(sessions_, [](const auto& each) { return each.second && each.second->link && each.second->link->alive(); });
  if (none && parts_.starts_programs) return true;  // the first call starts one
  return std::ranges::any_of(sessions_, [](const auto& each) { return each.second && each.second->opening && each.second->link && each.second->link->starting(); });
}

/// The session longest unused makes room.
bool StatelessBridge::make_room() {
  auto oldest = sessions_.end();
  for (auto each = sessions_.begin(); each != sessions_.end(); ++each) {
    if (each->second && !each->second->in_use() && (oldest == sessions_.end() || each->second->last_used < oldest->second->last_used)) oldest = each;
  }
  if (oldest == sessions_.end()) return false;
  end(oldest->second);
  sessions_.erase(oldest);
  return true;
}

void StatelessBridge::end_unused(net::Instant since) {
  std::erase_if(sessions_, [&](const auto& each) {
    const BehindRef& behind = each.second;
    if (!behind || behind->in_use() || behind->last_used >= since) return false;
    end(behind);
    return true;
  });
}

/// Nobody will use the session any more: the server need not keep it.
void StatelessBridge::end(const BehindRef& behind) {
  if (behind->link) behind->link->on_unsolicited(nullptr);  // its hearer goes with what is behind, the link stays for its last word
  if (behind->link && behind->link->alive()) tasks_.spawn(end_session(behind->link));
}

net::Task<void> StatelessBridge::end_session(std::shared_ptr<Link> link) {
  auto permit = co_await parts_.permit(Own::end);
  NobodyListens nobody;
  if (permit) [[maybe_unused]] const auto ended = co_await link->forward(std::move(*permit), {.form = Form::end_session, .time = std::chrono::seconds(5)}, nobody);
}

net::Task<void> StatelessBridge::end_all() {
  std::vector<std::shared_ptr<Link>> links;
  for (const auto& [capabilities, behind] : sessions_) {
    if (behind && behind->link && behind->link->alive()) links.push_back(behind->link);
  }
  for (const auto& link : links) co_await end_session(link);
}

/// A program may not bear a handshake behind the question for its era: then one that was asked nothing is tried.
net::Task<Result<void>> StatelessBridge::open(BehindRef behind, std::string client_info) {
  auto done = co_await open_once(behind, client_info);
  if (done || done.error().kind == ErrorKind::timeout || !behind->link || !behind->link->was_asked()) co_return done;
  co_return co_await open_once(std::move(behind), std::move(client_info));
}

net::Task<Result<void>> StatelessBridge::open_once(BehindRef behind, std::string client_info) {
  behind->link.reset();  // what is gone takes nobody's room
  auto made = make_();
  if (!made) co_return std::unexpected(made.error());
  const std::shared_ptr<Link> link = std::move(*made);
  behind->link = link;
  // INVARIANT: one hearer for as long as the session's place lives; links of before may still speak to it.
  if (!behind->hearer) behind->hearer = std::make_unique<Hearer>(*this, behind);
  behind->level.clear();
  behind->streaming = false;
  NobodyListens nobody;
  auto answer = co_await say(behind, Own::open, mcp::initialize_for(fresh_id(), behind->capabilities, client_info), nobody);
  if (!answer) co_return std::unexpected(std::move(answer.error().error));
  json::Document document;
  const auto message = mcp::read_message(answer->bytes, document, mcp::Direction::from_server, whole_answer);
  const auto opened = message ? mcp::read_initialized(*message) : Result<mcp::Initialized>(std::unexpected(message.error()));
  const auto revision = opened ? mcp::parse_revision(opened->protocol_version.view()) : std::nullopt;
  if (!revision || mcp::era_of(*revision) == mcp::Era::modern) {
    if (!link->was_asked()) refused_();
    co_return fail(ErrorKind::unavailable, "the server does not open a session");
  }
  behind->opened = answer->bytes;
  behind->logs = mcp::has_capability(opened->capabilities, "logging");
  link->agreed(mcp::word(*revision));
  // A server may ask as soon as it hears that the session is open.
  link->on_unsolicited(behind->hearer.get());
  auto noted = co_await say(behind, Own::open, mcp::initialized_notification(), nobody);
  if (!noted) co_return std::unexpected(std::move(noted.error().error));
  behind->link = link;
  co_return Result<void>{};
}

/// A message of the bridge's own, on record first.
net::Task<Forwarded> StatelessBridge::say(BehindRef behind, Own own, std::string text, Sink& sink) {
  json::Document document;
  const auto message = mcp::read_message(text, document, mcp::Direction::from_client);
  if (!message) co_return std::unexpected(bridge_failure(message.error(), false));
  auto permit = co_await parts_.permit(own);
  if (!permit) co_return std::unexpected(bridge_failure(std::move(permit.error()), false));
  const std::shared_ptr<Link> link = behind->link;
  if (!link) co_return std::unexpected(bridge_failure({ErrorKind::closed, "the server's session is over", {}}, false));
  co_return co_await link->forward(std::move(*permit), {.bytes = text, .message = &*message, .time = parts_.start_time}, sink);
}

net::Task<void> StatelessBridge::say_later(BehindRef behind, Own own, std::string text) {
  NobodyListens nobody;
  [[maybe_unused]] const auto said = co_await say(std::move(behind), own, std::move(text), nobody);
}

net::Task<Forwarded> StatelessBridge::discover(const Outbound& out) {
  const std::string id(out.message->id_text);
  const NobodyListens nobody;
  auto behind = co_await session(*out.message, nobody);
  if (!behind) co_return std::unexpected(bridge_failure(std::move(behind.error()), false));
  json::Document document;
  const auto opened = mcp::read_message((*behind)->opened, document, mcp::Direction::from_server, whole_answer);
  auto answer = opened ? mcp::discover_answer(id, *opened) : Result<std::string>(std::unexpected(opened.error()));
  if (!answer) co_return std::unexpected(bridge_failure(std::move(answer.error())));
  co_return own_delivery(std::move(*answer));
}

}  // namespace callgate::upstream
