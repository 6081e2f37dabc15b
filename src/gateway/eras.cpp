#include "gateway/eras.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "gateway/recorder.hpp"
#include "mcp/codes.hpp"
#include "mcp/handshake.hpp"
#include "mcp/own_messages.hpp"

namespace callgate::gateway {

namespace {

/// A program that does not know the question may not answer it at all.
constexpr std::chrono::seconds probe_patience{10};
/// What rests on an unclear answer is asked again after so long, beside the calls.
constexpr std::chrono::minutes unclear_for{10};

/// Refusals that are about the message. Any other status is about the server's
/// state, or about who asks: 401, 408, 429 and those from 500 on.
bool is_about_the_message(int status) {
  constexpr std::array statuses{400, 404, 405, 406, 415, 422};
  return std::ranges::find(statuses, status) != statuses.end();
}

/// Whether an error says that the question has no place in this server's era.
/// Servers with sessions answer questions before the handshake in many words;
/// those that a busy server uses as well decide nothing by themselves.
Speaks by_code(std::int64_t code) {
  using namespace mcp::code;
  constexpr std::array about_the_message{invalid_request, method_not_found, invalid_params, header_mismatch, missing_capability, unsupported_version};
  return std::ranges::find(about_the_message, code) != about_the_message.end() ? Speaks::no : Speaks::unclear;
}

Speaks by_error(const mcp::Message& answer) {
  const auto code = answer.error ? answer.error.find("code") : std::nullopt;
  const auto number = code ? code->as_int64() : std::nullopt;
  return number ? by_code(*number) : Speaks::unclear;
}

}  // namespace

/// A question under way; it is over however its frame ends.
struct Eras::Learning {
  explicit Learning(Eras& its_eras) : eras(its_eras) { eras.learning_ = true; }
  Learning(const Learning&) = delete;
  Learning& operator=(const Learning&) = delete;
  ~Learning() {
    eras.learning_ = false;
    ++eras.questions_;
    eras.learned_.notify();
  }
  Eras& eras;
};

bool Eras::knows_modern() const { return modern_ != Speaks::unknown && parts_.loop.now() < unsure_after_; }

net::Task<void> Eras::learn_modern(net::Duration time) { return learn(Of::modern, time); }

net::Task<bool> Eras::handshake_refused(net::Duration time) {
  if (!only_modern_) co_await learn(Of::both, time);
  co_return only_modern_;
}

net::Task<void> Eras::learn(Of what, net::Duration time) {
  if (what == Of::modern && modern_ != Speaks::unknown) {
    if (!knows_modern() && !learning_) tasks_.spawn(ask(what));
    co_return;
  }
  const net::Instant until = parts_.loop.now() + time;
  const auto known = [&] { return what == Of::modern ? knows_modern() : only_modern_; };
  // The answer to a question that is under way may not be to this one: then it is asked once more.
  for (int round = 0; round < 2 && !known(); ++round) {
    const std::uint64_t before = questions_;
    const bool ours = !learning_;
    if (ours) tasks_.spawn(ask(what));
    while (questions_ == before) {
      const net::Duration left = until - parts_.loop.now();
      if (left <= net::Duration::zero() || !co_await learned_.wait(left)) co_return;
    }
    if (ours || what == Of::modern) co_return;
  }
}

net::Task<void> Eras::ask(Of what) {
  const Learning learning(*this);
  unanswered_ = false;
  if (!knows_modern()) {
    const Speaks told = co_await ask_modern();
    if (told == Speaks::unclear && !opens_sessions_) [[maybe_unused]] const Speaks handshake = co_await ask_handshake();
    take_modern(told);
  }
  if (what == Of::both && modern_ == Speaks::yes) only_modern_ = co_await ask_handshake() == Speaks::no;
}

/// An unclear answer counts where the server is known to open sessions, for a while.
void Eras::take_modern(Speaks told) {
  const Speaks before = modern_;
  if (before != Speaks::unknown && told == Speaks::unknown) told = Speaks::unclear;  // as good as it was
  const bool for_a_while = told == Speaks::unclear && opens_sessions_;
  modern_ = told != Speaks::unclear ? told : for_a_while ? Speaks::no : Speaks::unknown;
  unsure_after_ = for_a_while ? parts_.loop.now() + unclear_for : net::Instant::max();
  if (modern_ != before && asking_.changed) asking_.changed();
}

void Eras::session_opened() {
  opens_sessions_ = true;
  only_modern_ = false;
}

void Eras::forget() {
  modern_ = Speaks::unknown;
  unsure_after_ = net::Instant::max();
  opens_sessions_ = only_modern_ = false;
  if (asking_.changed) asking_.changed();
}

/// On a pipe silence is an answer too, of servers with sessions. Over HTTP whoever asked first waits as for any answer,
/// and not in vain at a server that is slow.
std::chrono::milliseconds Eras::time_for_question() const {
  if (!server_.url.empty()) return std::min(server_.start_timeout, server_.call_timeout);
  const auto took = asking_.start_took ? std::chrono::ceil<std::chrono::milliseconds>(asking_.start_took()) : std::chrono::milliseconds(0);
  return std::min<std::chrono::milliseconds>(server_.start_timeout, probe_patience + took);
}

net::Task<Eras::Told> Eras::question(upstream::Link& link, audit::Internal kind, std::string text) {
  json::Document document;
  const auto message = mcp::read_message(text, document, mcp::Direction::from_client);
  auto permit = co_await permit_for_own(parts_, kind, server_.name);
  if (!message || !permit) co_return Told{};
  const std::string headers = kind == audit::Internal::server_discover ? asking_.mirror(*message) : std::string();
  upstream::NobodyListens sink;
  auto answer = co_await link.forward(std::move(*permit), {.bytes = text, .message = &*message, .headers = headers, .time = time_for_question()}, sink);
  unanswered_ = !answer && answer.error().error.kind == ErrorKind::timeout;
  if (!answer) co_return Told{.sent = answer.error().sent, .status = answer.error().http_status};
  const int status = answer->http_status;
  if (status >= 300 && !is_about_the_message(status)) co_return Told{.sent = true, .status = status};
  co_return Told{.bytes = std::string(answer->bytes), .sent = true};
}

net::Task<Speaks> Eras::ask_modern() {
  if (asking_.has_sessions_only && asking_.has_sessions_only()) co_return Speaks::no;
  auto link = asking_.link(mcp::Era::modern);
  if (!link) co_return Speaks::unknown;
  const Told told = co_await question(**link, audit::Internal::server_discover,
                                       mcp::plain_request("\"callgate-discover\"", mcp::MethodId::server_discover, mcp::latest_revision, {}, mcp::all_capabilities));
  if (told.bytes.empty()) {
    if (is_about_the_message(told.status)) co_return Speaks::no;
    // On a pipe, servers of sessions stay silent before the handshake, or end. Over HTTP that is trouble.
    co_return told.sent && server_.url.empty() ? Speaks::unclear : Speaks::unknown;
  }
  json::Document document;
  const auto answer = mcp::read_message(told.bytes, document, mcp::Direction::from_server, upstream::whole_answer);
  if (!answer) co_return Speaks::unknown;
  const bool speaks = mcp::read_discovered(*answer).has_value();
  if (asking_.answered && (speaks || !answer->result)) asking_.answered(std::move(*link), speaks ? mcp::Era::modern : mcp::Era::legacy);
  if (speaks) co_return Speaks::yes;
  co_return answer->result ? Speaks::no : by_error(*answer);
}

/// Whether the server has no handshake: the gateway's own is well-formed, so that
/// a client's faults do not count against the server.
net::Task<Speaks> Eras::ask_handshake() {
  auto link = asking_.link(mcp::Era::legacy);
  if (!link) co_return Speaks::unknown;
  const Told told = co_await question(**link, audit::Internal::initialize, mcp::initialize_request("\"callgate-initialize\"", mcp::latest_legacy));
  if (told.bytes.empty()) co_return is_about_the_message(told.status) ? Speaks::no : Speaks::unknown;
  json::Document document;
  const auto answer = mcp::read_message(told.bytes, document, mcp::Direction::from_server, upstream::whole_answer);
  if (!answer) co_return Speaks::unknown;
  if (!answer->result) {
    const Speaks told_so = by_error(*answer);
    if (asking_.answered && told_so == Speaks::no) asking_.answered(std::move(*link), mcp::Era::modern);
    co_return told_so;
  }
  session_opened();
  // The session was opened for the question alone.
  auto permit = co_await permit_for_own(parts_, audit::Internal::session_delete, server_.name);
  if (permit) {
    upstream::NobodyListens sink;
    [[maybe_unused]] const auto ended = co_await (*link)->forward(std::move(*permit), {.form = upstream::Form::end_session, .time = std::chrono::seconds(5)}, sink);
  }
  co_return Speaks::yes;
}

}  // namespace callgate::gateway
