#include "upstream/common_child.hpp"

#include <algorithm>

#include "mcp/answers.hpp"
#include "mcp/handshake.hpp"
#include "mcp/own_messages.hpp"
#include "mcp/requests.hpp"
#include "mcp/splice.hpp"

namespace callgate::upstream {

using enum mcp::MethodId;

/// Hears what belongs to no call. Called by the child's own reader.
class CommonChild::Hearer final : public Sink {
 public:
  explicit Hearer(CommonChild& child) : child_(child) {}
  net::Task<bool> event(const Event& event) override {
    if (event.message == nullptr) co_return true;
    if (event.message->is_notification()) co_await child_.tell(event);
    if (event.message->is_request()) child_.tasks_.spawn(child_.answer(reply_to(*event.message)));
    co_return true;
  }

 private:
  static std::string reply_to(const mcp::Message& request) {
    if (request.method_id == ping) return mcp::empty_result(request.id_text, mcp::Era::legacy);
    return mcp::rpc_error(request.id_text, -32601, "several clients share this server: none can be asked");
  }
  CommonChild& child_;
};

CommonChild::CommonChild(BridgeParts parts, mcp::Revision revision, MakeLink make)
    : parts_(std::move(parts)), revision_(revision), make_(std::move(make)), hearer_(std::make_unique<Hearer>(*this)), changed_(parts_.loop) {}

// Opening ---------------------------------------------------------------------------

void CommonChild::start() {
  if (state_ != State::fresh) return;
  state_ = State::opening;
  tasks_.spawn(open());
}

net::Task<Result<void>> CommonChild::opened(std::chrono::milliseconds time) {
  start();
  const net::Instant until = parts_.loop.now() + time;
  while (state_ == State::opening) {
    const net::Duration left = until - parts_.loop.now();
    if (left <= net::Duration::zero() || !co_await changed_.wait(left)) co_return fail(ErrorKind::timeout, "the server is still starting: try again");
  }
  if (state_ == State::failed) co_return std::unexpected(why_);
  co_return Result<void>{};
}

/// By a task of its own: whoever came first may be gone before the child is there.
net::Task<void> CommonChild::open() {
  NobodyListens nobody;
  auto done = co_await shake_hands(nobody);
  state_ = done ? State::open : State::failed;
  if (!done) why_ = std::move(done.error());
  if (!done) link_.reset();
  changed_.notify();
}

net::Task<Result<void>> CommonChild::shake_hands(Sink& sink) {
  auto made = make_();
  if (!made) co_return std::unexpected(made.error());
  link_ = std::move(*made);
  link_->on_unsolicited(hearer_.get());
  auto answer = co_await say(Own::open, mcp::initialize_request("1", revision_, {}), sink);
  if (!answer) co_return std::unexpected(std::move(answer.error().error));
  json::Document document;
  const auto message = mcp::read_message(answer->bytes, document, mcp::Direction::from_server, whole_answer);
  if (!message || !message->result || !mcp::read_initialized(*message)) co_return fail(ErrorKind::unavailable, "the server does not open a session");
  answer_ = answer->bytes;
  auto noted = co_await say(Own::open, mcp::initialized_notification(), sink);
  if (!noted) co_return std::unexpected(std::move(noted.error().error));
  co_return Result<void>{};
}

/// A message of the gateway's own, on record first.
net::Task<Forwarded> CommonChild::say(Own own, std::string text, Sink& sink) {
  json::Document document;
  const auto message = mcp::read_message(text, document, mcp::Direction::from_client);
  if (!message) co_return std::unexpected(bridge_failure(message.error(), false));
  auto permit = co_await parts_.permit(own);
  if (!permit) co_return std::unexpected(bridge_failure(std::move(permit.error()), false));
  const std::shared_ptr<Link> link = link_;
  if (!link) co_return std::unexpected(bridge_failure({ErrorKind::closed, "the server's process ended", {}}, false));
  co_return co_await link->forward(std::move(*permit), {.bytes = text, .message = &*message, .time = parts_.start_time}, sink);
}

net::Task<void> CommonChild::answer(std::string text) {
  NobodyListens nobody;
  [[maybe_unused]] const auto said = co_await say(Own::answer, std::move(text), nobody);
}

// What it says unasked --------------------------------------------------------------

bool CommonSession::wants(const mcp::Message& notification) const {
  // No client of such a child is asked for anything, so none has a question that could be over.
  if (notification.method_id == notifications_cancelled || notification.method_id == notifications_elicitation_complete) return false;
  if (notification.method_id == notifications_message) return wants_log_;
  if (notification.method_id != notifications_resources_updated) return true;
  const auto uri = notification.params ? notification.params.find("uri") : std::nullopt;
  return uri && watched_.contains(std::string(uri->text()));
}

/// Sessions may come and go while one is told.
net::Task<void> CommonChild::tell(const Event& event) {
  const std::vector<CommonSession*> now = sessions_;
  for (CommonSession* each : now) {
    const bool there = std::ranges::find(sessions_, each) != sessions_.end();
    if (there && each->unsolicited_ != nullptr && each->wants(*event.message)) co_await each->unsolicited_->event(event);
  }
}

bool CommonChild::is_watched(const std::string& uri) const {
  return std::ranges::any_of(sessions_, [&](const CommonSession* each) { return each->watched_.contains(uri); });
}

// A session -------------------------------------------------------------------------

void CommonSession::leave() {
  ended_ = true;
  if (child_) std::erase(child_->sessions_, this);
  child_.reset();
}

net::Task<Forwarded> CommonSession::transmit(Outbound out, Sink& sink) {
  if (out.form == Form::end_session) {
    leave();
    co_return Delivery{.http_status = 200};
  }
  if (out.form != Form::message || out.message == nullptr) co_return Delivery{.http_status = 405};
  const mcp::Message& message = *out.message;
  if (message.method_id == initialize) co_return co_await open(std::move(out));
  // The handshake was the gateway's, and nothing was asked of the client; of its calls alone does the child hear.
  if (!message.is_request() && message.method_id != notifications_cancelled) co_return Delivery{.http_status = 202};
  if (message.method_id == logging_set_level) wants_log_ = true;
  if (message.method_id == resources_subscribe || message.method_id == resources_unsubscribe) co_return co_await watch(std::move(out), sink);
  co_return co_await pass(std::move(out), sink);
}

net::Task<Forwarded> CommonSession::open(Outbound out) {
  const auto wanted = mcp::read_initialize(*out.message);
  const auto asked = wanted ? mcp::parse_revision(wanted->protocol_version.view()) : std::nullopt;
  const auto revision = asked && mcp::era_of(*asked) == mcp::Era::legacy ? *asked : mcp::latest_legacy;
  if (child_) std::erase(child_->sessions_, this);
  const std::shared_ptr<CommonChild> child = child_ = find_(revision);
  child->sessions_.push_back(this);
  auto opened = co_await child->opened(std::min(out.time, start_time_));
  if (!opened) co_return std::unexpected(bridge_failure(std::move(opened.error()), false));
  json::Document document;
  const auto answer = mcp::read_message(child->answer_, document, mcp::Direction::from_server, answer_limits);
  if (!answer) co_return std::unexpected(bridge_failure(answer.error()));
  const mcp::Edit edit = mcp::replace(answer->id, out.message->id_text);
  co_return own_delivery(mcp::splice(answer->bytes(), std::span(&edit, 1)));
}

net::Task<Forwarded> CommonSession::pass(Outbound out, Sink& sink) {
  const std::shared_ptr<CommonChild> child = child_;
  if (!child || !child->link_) co_return std::unexpected(bridge_failure({ErrorKind::closed, "the server's process ended", {}}, false));
  const std::shared_ptr<Link> link = child->link_;
  policy::Permit permit = std::move(*out.permit);
  co_return co_await link->forward(std::move(permit), std::move(out), sink);
}

/// The child watches a resource as long as any of its sessions does.
net::Task<Forwarded> CommonSession::watch(Outbound out, Sink& sink) {
  const std::string_view id = out.message->id_text;
  const auto uri = out.message->params ? out.message->params.find("uri") : std::nullopt;
  if (!uri || !uri->is_string()) co_return own_delivery(mcp::rpc_error(id, -32602, "`uri` is missing"));
  const std::string text(uri->text());
  if (out.message->method_id == resources_subscribe) {
    if (watched_.size() >= mcp::max_listen_uris) co_return own_delivery(mcp::rpc_error(id, -32602, "this session watches too many resources"));
    watched_.insert(text);
  } else {
    watched_.erase(text);
    if (child_ && child_->is_watched(text)) co_return own_delivery(mcp::empty_result(id, mcp::Era::legacy));
  }
  co_return co_await pass(std::move(out), sink);
}

}  // namespace callgate::upstream
