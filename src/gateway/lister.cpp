#include "gateway/lister.hpp"

#include <set>

#include <fmt/format.h>

#include "base/random.hpp"
#include "gateway/recorder.hpp"
#include "mcp/answers.hpp"
#include "mcp/codes.hpp"
#include "mcp/handshake.hpp"
#include "mcp/headers.hpp"
#include "mcp/own_messages.hpp"

namespace callgate::gateway {

/// What a server asks while its lists are read.
class Lister::SaysNo final : public upstream::Sink {
 public:
  explicit SaysNo(Lister& lister) : lister_(lister) {}
  net::Task<bool> event(const upstream::Event& event) override {
    constexpr std::size_t most = 64;  // one that asks on and on is left without an answer
    const bool asks = lister_.era_ == mcp::Era::legacy && event.message != nullptr && event.message->is_request();
    if (asks && lister_.refused_++ < most) lister_.refusing_.spawn(lister_.say_no(std::string(event.message->id_text)));
    co_return true;
  }
  /// Before a server of the other era the bridge says no for it.
  bool may_ask(mcp::MethodId /*method*/, std::string_view /*name*/) override { return false; }
  upstream::Reader reader() const override { return upstream::Reader::gateway; }

 private:
  Lister& lister_;
};

Lister::Lister(const Parts& parts, Links& links, mcp::Era era) : parts_(parts), links_(links), era_(era), says_no_(std::make_unique<SaysNo>(*this)) {}

/// From now on; the one before speaks to nobody.
void Lister::use(std::shared_ptr<upstream::Link> link) {
  // The link of stateless requests is not this conversation's alone.
  if (link_ && era_ == mcp::Era::legacy) link_->on_unsolicited(nullptr);
  link_ = std::move(link);
  if (link_ && era_ == mcp::Era::legacy) link_->on_unsolicited(says_no_.get());
}

net::Task<void> Lister::say_no(std::string id_text) {
  const std::shared_ptr<upstream::Link> link = link_;
  const std::string answer = mcp::rpc_error(id_text, mcp::code::internal_error, "no client is there to answer");
  json::Document document;
  const auto read = mcp::read_message(answer, document, mcp::Direction::from_client);
  auto permit = co_await permit_for_own(parts_, audit::Internal::decline, links_.server().name);
  if (!read || !link || !permit) co_return;
  upstream::NobodyListens nobody;
  [[maybe_unused]] const auto sent = co_await link->forward(std::move(*permit), {.bytes = answer, .message = &*read, .time = std::chrono::seconds(5)}, nobody);
}

net::Task<Result<policy::Permit>> Lister::permit_for(audit::Internal kind) {
  auto permit = co_await permit_for_own(parts_, kind, links_.server().name, mcp::word(revision_));
  unrecorded_ = unrecorded_ || !permit;
  co_return permit;
}

net::Task<Result<void>> Lister::send(audit::Internal kind, upstream::Outbound out) {
  auto permit = co_await permit_for(kind);
  if (!permit) co_return std::unexpected(permit.error());
  upstream::NobodyListens sink;
  auto sent = co_await link_->forward(std::move(*permit), std::move(out), sink);
  if (!sent) co_return std::unexpected(std::move(sent.error().error));
  co_return Result<void>{};
}

net::Task<Result<std::string>> Lister::ask(audit::Internal kind, std::string message) {
  auto permit = co_await permit_for(kind);
  if (!permit) co_return std::unexpected(permit.error());
  json::Document document;
  const auto read = mcp::read_message(message, document, mcp::Direction::from_client);
  if (!read) co_return std::unexpected(read.error());
  const std::string headers = era_ == mcp::Era::modern && links_.over_http() ? mcp::mirrored_lines(*read, revision_, {}) : std::string();
  SaysNo sink(*this);
  upstream::Outbound out{.bytes = message, .message = &*read, .headers = headers, .time = links_.server().start_timeout};
  auto answer = co_await link_->forward(std::move(*permit), std::move(out), sink);
  if (!answer) {
    forgotten_ = answer.error().session_unknown;
    co_return std::unexpected(std::move(answer.error().error));
  }
  if (answer->kind != upstream::Delivery::Kind::answer) co_return fail(ErrorKind::malformed, "the server did not answer");
  co_return std::string(answer->bytes);
}

/// A server that refuses the handshake may have none: then it is asked over a bridge.
net::Task<Result<std::string>> Lister::handshake() {
  bridged_ = links_.bridges_sessions();
  auto answer = co_await ask(audit::Internal::initialize, mcp::initialize_request(std::to_string(next_id_++), revision_));
  json::Document document;
  const auto read = answer ? mcp::read_message(*answer, document, mcp::Direction::from_server, upstream::whole_answer) : Result<mcp::Message>(std::unexpected(answer.error()));
  const bool refused = answer ? read && read->error : answer.error().kind != ErrorKind::timeout;
  if (!refused || bridged_ || !co_await links_.handshake_refused()) co_return answer;
  bridged_ = true;
  auto link = links_.for_session({});
  if (!link) co_return std::unexpected(link.error());
  use(std::move(*link));
  co_return co_await ask(audit::Internal::initialize, mcp::initialize_request(std::to_string(next_id_++), revision_));
}

void Lister::keep_info(json::Value server_info) {
  constexpr std::size_t most = 64 * 1024;  // it may hold icons, which are not wanted
  if (server_info && server_info.is_object() && server_info.text().size() <= most) server_info_ = server_info.text();
}

Result<std::shared_ptr<upstream::Link>> Lister::own_link() {
  const Links::ForReading reading(links_);
  return era_ == mcp::Era::legacy ? links_.for_session({}) : links_.stateless({});
}

/// True when the handshake succeeded; the answer says whether there are tools.
net::Task<Result<bool>> Lister::open_legacy() {
  auto link = own_link();
  if (!link) co_return std::unexpected(link.error());
  use(std::move(*link));
  auto answer = co_await handshake();
  if (!answer) co_return std::unexpected(answer.error());
  json::Document document;
  const auto message = mcp::read_message(*answer, document, mcp::Direction::from_server, upstream::whole_answer);
  if (!message || !message->result) co_return fail(ErrorKind::malformed, "the server refused `initialize`");
  const auto opened = mcp::read_initialized(*message);
  if (!opened) co_return std::unexpected(opened.error());
  const auto revision = mcp::parse_revision(opened->protocol_version.view());
  if (!revision || mcp::era_of(*revision) == mcp::Era::modern) co_return fail(ErrorKind::unsupported, "the server chose a protocol revision that this gateway does not know");
  if (!bridged_) links_.session_opened();
  revision_ = *revision;
  link_->agreed(mcp::word(revision_));
  has_tools_ = mcp::has_capability(opened->capabilities, "tools");
  // A bridge has to name a server that does not say who it is.
  if (!bridged_) keep_info(opened->server_info);
  const std::string initialized = mcp::initialized_notification();
  json::Document note_document;
  const auto note = mcp::read_message(initialized, note_document, mcp::Direction::from_client);
  auto sent = co_await send(audit::Internal::initialize, {.bytes = initialized, .message = note ? &*note : nullptr});
  if (!sent) co_return std::unexpected(sent.error());
  co_return true;
}

net::Task<Result<void>> Lister::open() {
  if (era_ == mcp::Era::legacy) {
    auto opened = co_await open_legacy();
    if (!opened) co_return std::unexpected(opened.error());
    co_return Result<void>{};
  }
  revision_ = mcp::latest_revision;
  auto link = own_link();
  if (!link) co_return std::unexpected(link.error());
  use(std::move(*link));
  co_return Result<void>{};
}

net::Task<Result<void>> Lister::read_pages(ServerList& list) {
  std::optional<std::string> cursor;
  std::set<std::string> seen;
  std::size_t bytes = 0;
  const ListBounds bounds;
  for (;;) {
    auto answer = co_await ask(audit::Internal::list,
                               mcp::plain_request(std::to_string(next_id_++), mcp::MethodId::tools_list, revision_, cursor,
                                                  mcp::all_capabilities));
    if (!answer) co_return std::unexpected(answer.error());
    co_await parts_.loop.next_turn();  // whose answer it is was read in this one, which may have taken long
    const net::Instant began = net::Loop::read_clock();
    auto page = std::make_unique<ServerList::Page>();
    page->text = std::move(*answer);
    const auto message = mcp::read_message(page->text, page->document, mcp::Direction::from_server, upstream::whole_answer);
    auto read = message ? mcp::read_list_page(*message, mcp::tool_list) : Result<mcp::ListPage>(std::unexpected(message.error()));
    spent_ += net::Loop::read_clock() - began;
    if (!read) co_return std::unexpected(read.error());
    page->list = std::move(*read);
    // Without a handshake each answer says whose it is.
    if (const auto info = message->meta ? message->meta.find("io.modelcontextprotocol/serverInfo") : std::nullopt; info && server_info_.empty()) keep_info(*info);
    bytes += page->text.size();
    cursor.reset();
    if (const auto& next = page->list.next_cursor) cursor = std::string(next->view());
    list.pages.push_back(std::move(page));
    if (!cursor) co_return Result<void>{};
    if (!seen.insert(*cursor).second) co_return fail(ErrorKind::malformed, "the server's list goes in circles: a cursor came twice");
    if (list.pages.size() >= bounds.pages || bytes > bounds.bytes)
      co_return fail(ErrorKind::too_large, "the server's list of tools is too long");
  }
}

net::Task<Result<void>> Lister::probe(ServerList& list) {
  const std::string name = "callgate_probe_" + random_hex(16);
  const std::string id = std::to_string(next_id_++);
  auto answer = co_await ask(audit::Internal::probe_unknown_tool, mcp::probe_call(id, name, revision_));
  // A server that gives no answer teaches nothing; the standard one is used.
  if (!answer) co_return Result<void>{};
  auto learned = mcp::UnknownToolAnswer::learn(*answer, name, id);
  if (learned) list.unknown_tool = std::move(*learned);
  co_return Result<void>{};
}

net::Task<void> Lister::close() {
  if (era_ == mcp::Era::legacy && link_ && link_->alive()) {
    [[maybe_unused]] const auto ended =
        co_await send(audit::Internal::session_delete, {.form = upstream::Form::end_session, .time = std::chrono::seconds(5)});
  }
  refusing_.cancel();
  use({});
}

net::Task<Result<ServerList>> Lister::read_once(Probe wanted) {
  ServerList list;
  auto done = co_await open();
  if (done && has_tools_) {
    done = co_await read_pages(list);
    if (done && wanted == Probe::yes) done = co_await probe(list);
  }
  co_await close();
  if (!done) co_return std::unexpected(done.error());
  // Behind a bridge the server speaks what has no handshake, whatever was agreed with the bridge.
  list.revision = bridged_ ? mcp::latest_revision : revision_;
  list.server_info = std::exchange(server_info_, {});
  co_return list;
}

net::Task<Result<ServerList>> Lister::read(Probe wanted) {
  auto list = co_await read_once(wanted);
  // Of a server that is replaced at this moment: that it knows the session no longer says nothing of its tools.
  if (!list && std::exchange(forgotten_, false)) list = co_await read_once(wanted);
  co_return list;
}

}  // namespace callgate::gateway
