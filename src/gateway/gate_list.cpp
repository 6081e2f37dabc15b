#include <fmt/format.h>

#include "gateway/gate_draft.hpp"
#include "base/random.hpp"
#include "mcp/codes.hpp"
#include "mcp/headers.hpp"
#include "mcp/own_messages.hpp"
#include "registry/fingerprint.hpp"

namespace callgate::gateway {

namespace {

constexpr ListBounds list_bounds;
/// Of a list for what it shows to be taken up: without that it shows less, and the next call waits in its place.
constexpr net::Duration longest_wait = std::chrono::seconds(10);
/// What may stand before the rest of an answer and is copied with its head.
constexpr std::size_t small_part = 4096;

}  // namespace

/// A page behind the first one; what was read of it points into it.
struct Gate::Page {
  std::string text;
  json::Document document;
};

/// What stays in a list. Whom no policy lets do anything sees nothing. A tool stays only as it was pinned: a definition that
/// reads otherwise now is not shown to the agent before somebody accepted it.
mcp::Keep Gate::keeper(const Inbound& in, mcp::MethodId method) const {
  const PolicyPair policies = policies_for(*in.conversation);
  if (policies.missing()) return [](const mcp::ListItem&) { return false; };
  auto table = tools_.known(in.era()).table;
  if (method == mcp::MethodId::tools_list) {
    return [policies, table](const mcp::ListItem& item) {
      const registry::Tool* tool = table ? table->find(item.key.view()) : nullptr;
      if (tool == nullptr || tool->state != registry::Tool::State::known) return false;
      if (policies.any([tool](const policy::Policy& policy) { return policy.hides_tool(tool->name, class_of(*tool)); })) return false;
      return item.definition.text() == tool->definition || registry::fingerprint(item.definition) == tool->fingerprint;
    };
  }
  if (method == mcp::MethodId::tasks_list) {
    // A server that knows one client, the gateway, may list the tasks of all who call through it.
    return [this, owner = std::string(owner_of(*in.conversation))](const mcp::ListItem& item) {
      return tasks_begun_.find(owner, item.key.view(), parts_.clock.now()) != nullptr;
    };
  }
  if (method == mcp::MethodId::prompts_list) {
    return [policies](const mcp::ListItem& item) {
      return !policies.any([&](const policy::Policy& policy) { return policy.hides_prompt(item.key.view()); });
    };
  }
  return [policies](const mcp::ListItem& item) {
    return !policies.any([&](const policy::Policy& policy) { return policy.hides_resource(item.key.view()); });
  };
}

net::Task<void> Gate::handle_list(Inbound& in, InFlight& flight) {
  if (in.message.method_id == mcp::MethodId::tools_list && !tools_.known(in.era()).table) {
    [[maybe_unused]] const bool current = co_await wait_for_tools(in, in.era());
    if (!tools_.known(in.era()).table) co_return co_await answer_unread(in);
  }
  Draft draft{.id = parts_.journal.next_id()};
  note_params(draft, in.message);
  Judged judged{.policy = policy()};
  judged.decision.verdict = policy::Verdict::allow;
  const std::shared_ptr<const JudgedList> known = lists_.find(list_judges(in));
  Exchange what{.record = record_of(draft, in, judged), .bytes = in.message.bytes(), .message = &in.message,
                .seen = known ? &known->from_server : nullptr};
  auto delivery = co_await exchange(in, &flight, what);
  if (!delivery) co_return;
  if (delivery->kind != upstream::Delivery::Kind::answer || delivery->look.is_error) co_return co_await deliver(in, *delivery, what.record.id);
  const bool same = known && delivery->http_status == 200 && (delivery->seen || known->from_server.is(delivery->bytes, in.message.id_text));
  // Policies and pins may have changed while the server was asked.
  if (same && known->judges == list_judges(in)) co_return co_await answer_judged(in, *delivery, known);
  co_await judge_list(in, *delivery);
}

ListJudges Gate::list_judges(const Inbound& in) const {
  PolicyPair policies = policies_for(*in.conversation);
  return {.method = in.message.method_id, .era = in.era(), .policy = std::move(policies.server), .grant_policy = std::move(policies.grant),
          .asks_grant = policies.asks_grant, .table = tools_.known(in.era()).table};
}

/// The server's answer as it was judged before; the id is this request's.
net::Task<void> Gate::answer_judged(Inbound& in, const upstream::Delivery& delivery, std::shared_ptr<const JudgedList> list) {
  if (list->whole) {
    co_await in.channel.answer(delivery.bytes, delivery.raw);
    co_return;
  }
  std::string begin = list->filtered.before_id;
  begin += in.message.id_text;
  if (begin.size() <= small_part) {
    co_await in.channel.answer_in_parts(begin, list->filtered.behind_id);
    co_return;
  }
  begin += list->filtered.behind_id;  // the server writes the id last
  co_await in.channel.answer(begin);
}

net::Task<void> Gate::answer_unread(Inbound& in) {
  co_await answer_failure(in, {ErrorKind::unavailable, fmt::format("the server's tools could not be read: {}", tools_.known(in.era()).why()), {}});
}

/// What a client is shown holds for the next call, so it is taken up first. A list that is only for this client
/// does not wait again and again for what the gateway is not shown.
net::Task<bool> Gate::heed_tools(const Inbound& in, const mcp::ListPage& page) {
  const bool shows_other = in.message.method_id == mcp::MethodId::tools_list && tools_.heed(in.era(), page.items);
  if (shows_other && !tools_.is_current(in.era())) co_await tools_.settled(in.era(), std::min<net::Duration>(server_.start_timeout, longest_wait));
  co_return shows_other;
}

/// Reads a list and answers what of it may be seen.
net::Task<void> Gate::judge_list(Inbound& in, upstream::Delivery& delivery) {
  json::Document document;
  const auto message = mcp::read_message(delivery.bytes, document, mcp::Direction::from_server, upstream::whole_answer);
  const auto page = message ? mcp::read_list_page(*message, *mcp::list_shape(in.message.method_id)) : Result<mcp::ListPage>(std::unexpected(message.error()));
  if (!page) co_return co_await answer_failure(in, page.error());
  const bool asks = message->result.find("inputRequests").has_value();
  if (Asking asking; asks && in.era() == mcp::Era::modern && !may_ask(in, delivery, asking)) co_return co_await refuse_asking(in, asking.refused);

  const bool shows_other = co_await heed_tools(in, *page);
  if (in.message.method_id == mcp::MethodId::tools_list && !tools_.known(in.era()).table) co_return co_await answer_unread(in);
  JudgedList list{.judges = list_judges(in)};
  mcp::Keep keep = keeper(in, in.message.method_id);
  if (in.message.method_id == mcp::MethodId::prompts_list) keep = [this, shown = std::move(keep)](const mcp::ListItem& item) {
    const bool stays = shown(item);
    if (!stays) hidden_prompts_.note(item.key.view());
    return stays;
  };
  for (const mcp::ListItem& item : page->items) list.whole = list.whole && item.fault.empty() && keep(item);
  const bool all = list.whole;
  // Whoever sees everything may not be told that everybody may have it.
  list.whole = list.whole && !depends_on_caller(in);
  const bool first = !in.message.params || !in.message.params.find("cursor");
  const bool join = first && page->next_cursor && (!all || hides_anything(in));
  // Many clients read one page only: an emptied first page would look like no tools at all.
  if (join) {
    const auto joined = co_await joined_list(in, *page, keep);
    if (!joined) co_return co_await answer_failure(in, joined.error());
    const bool tasks = in.message.method_id == mcp::MethodId::tasks_list;
    co_await in.channel.answer(tasks ? with_own_tasks(in, *joined) : *joined);
    co_return;
  }
  const std::string text = list.whole ? std::string() : mcp::filter_list(*page, keep, {}, cache_rule(in));
  const bool same_for_all = in.message.method_id != mcp::MethodId::tasks_list;
  if (!page->next_cursor && !asks && !delivery.look.may_go_on && same_for_all && !shows_other && delivery.http_status == 200) {
    list.from_server = upstream::SeenAnswer::of(delivery.bytes, message->id_text);
    json::Document shown;
    const auto answer = list.whole ? message : mcp::read_message(text, shown, mcp::Direction::from_server, upstream::answer_limits);
    if (answer && !list.whole) list.filtered = upstream::SeenAnswer::of(text, answer->id_text);
    if (answer) lists_.remember(std::move(list));
  }
  if (first && !same_for_all) {
    co_await in.channel.answer(with_own_tasks(in, text.empty() ? delivery.bytes : text));
  } else if (text.empty()) {
    co_await in.channel.answer(delivery.bytes, delivery.raw, in.status(delivery.http_status));
  } else {
    co_await in.channel.answer(text);
  }
}

/// Another caller may see another list (protocol item 48).
bool Gate::depends_on_caller(const Inbound& in) const {
  return in.era() == mcp::Era::modern && (!in.conversation->session.grant.empty() || hides_anything(in));
}

bool Gate::hides_anything(const Inbound& in) const {
  const PolicyPair policies = policies_for(*in.conversation);
  return policies.missing() || policies.any([](const policy::Policy& policy) { return policy.hides_anything(); });
}

/// A list that depends on who asks is nobody else's to keep.
mcp::CacheRule Gate::cache_rule(const Inbound& in) {
  return {.make_private = in.era() == mcp::Era::modern, .max_ttl_ms = in.era() == mcp::Era::modern ? std::optional<std::uint64_t>(1000) : std::nullopt};
}

/// Reads the pages behind the first one in the gateway's own name, on the
/// client's session, and makes one list of all.
net::Task<Result<std::string>> Gate::joined_list(Inbound& in, const mcp::ListPage& first, const mcp::Keep& keep) {
  std::vector<std::unique_ptr<Page>> owned;
  std::vector<mcp::ListPage> pages{first};
  std::vector<std::string> cursors;
  std::size_t bytes = 0;
  const net::Instant until = parts_.loop.now() + server_.call_timeout;
  while (pages.back().next_cursor) {
    std::string cursor(pages.back().next_cursor->view());
    if (std::ranges::find(cursors, cursor) != cursors.end()) co_return fail(ErrorKind::malformed, "the server's list goes in circles");
    cursors.push_back(std::move(cursor));
    auto page = std::make_unique<Page>();
    if (auto asked = co_await next_page(in, cursors.back(), until - parts_.loop.now(), *page); !asked) co_return std::unexpected(asked.error());
    const auto message = mcp::read_message(page->text, page->document, mcp::Direction::from_server, upstream::whole_answer);
    auto read = message ? mcp::read_list_page(*message, first.shape) : Result<mcp::ListPage>(std::unexpected(message.error()));
    if (!read) co_return std::unexpected(read.error());
    [[maybe_unused]] const bool other = co_await heed_tools(in, *read);
    bytes += page->text.size();
    pages.push_back(std::move(*read));
    owned.push_back(std::move(page));
    if (pages.size() > list_bounds.pages || bytes > list_bounds.bytes) co_return fail(ErrorKind::too_large, "the server's list is too long");
  }
  co_return mcp::join_lists(pages, keep, in.message.id_text, cache_rule(in));
}

/// The id of the request is one that no client can guess: on a child, its own
/// requests stand beside it.
net::Task<Result<void>> Gate::next_page(Inbound& in, std::string_view cursor, net::Duration time, Page& page) {
  const std::string id = json::quoted("callgate-" + random_hex(16));
  // What else the client said stays: a server may list by what the client can do.
  const std::string request = mcp::next_page_request(in.message, id, cursor);
  json::Document document;
  const auto asked = mcp::read_message(request, document, mcp::Direction::from_client);
  if (!asked) co_return std::unexpected(asked.error());
  auto permit = co_await permit_for_own(parts_, audit::Internal::list, server_.name, mcp::word(in.revision));
  if (!permit) co_return std::unexpected(permit.error());
  const std::string headers = in.era() == mcp::Era::modern && links_.over_http() ? mcp::mirrored_lines(*asked, in.revision, {}) : std::string();
  const std::shared_ptr<upstream::Link> link = in.conversation->link;
  if (!link || time <= net::Duration::zero()) co_return fail(ErrorKind::timeout, "the server's list could not be read in time");
  CallSink sink(*this, in.conversation, in.revision, nullptr);
  sink.counts_for(in.channel);
  upstream::Outbound out{.bytes = request, .message = &*asked, .headers = headers, .time = std::chrono::ceil<std::chrono::milliseconds>(time)};
  auto answer = co_await link->forward(std::move(*permit), std::move(out), sink);
  if (!answer) co_return std::unexpected(std::move(answer.error().error));
  if (answer->kind != upstream::Delivery::Kind::answer) co_return fail(ErrorKind::malformed, "the server did not answer");
  page.text = answer->bytes;
  co_return Result<void>{};
}

}  // namespace callgate::gateway
