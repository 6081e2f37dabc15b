// Lists: every server of the caller is asked for all of its list, and one list is made of them.
#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "aggregate/names.hpp"
#include "aggregate/questions.hpp"
#include "mcp/codes.hpp"
#include "mcp/own_messages.hpp"
#include "mcp/requests.hpp"
#include "upstream/link.hpp"

namespace callgate::aggregate {

namespace {

constexpr std::size_t most_pages = 1000;
constexpr std::size_t most_at_once = 20;  ///< questions of one client to one server: in a session one that was given up waits there for `call_timeout`

}  // namespace

std::string reason_of(const Result<mcp::Message>& answer, const std::string& failure) {
  if (!failure.empty()) return failure;
  if (!answer) return "it gave no answer";
  if (!answer->error) return "its answer cannot be read";
  const auto number = answer->error.find("code");
  const auto code = number ? number->as_int64() : std::nullopt;
  return code ? fmt::format("its answer is an error (code {})", *code) : "its answer is an error";
}

std::string words_of(const Result<mcp::Message>& answer) {
  const auto text = answer && answer->error ? answer->error.find("message") : std::nullopt;
  return text && text->is_string() ? text->string() : std::string();
}

namespace {

/// Who has no such lists at all does not miss in them.
bool says_unknown_method(const Result<mcp::Message>& answer) {
  const auto code = answer && answer->error ? answer->error.find("code") : std::nullopt;
  return code && code->as_int64() == mcp::code::method_not_found;
}

}  // namespace

/// What one server says of itself.
net::Task<void> Router::read_introduction(std::shared_ptr<Company> company, Question& question, std::string request, std::shared_ptr<const bool> over) {
  auto page = std::make_unique<Page>();
  std::string failure;
  page->text = co_await say(company, question.server, std::move(request), question.origin, std::move(over), &failure);
  const auto answer = mcp::read_message(page->text, page->document, mcp::Direction::from_server, upstream::whole_answer);
  if (!answer || !answer->result) {
    question.fault = reason_of(answer, failure);
    question.words = words_of(answer);
    co_return;
  }
  page->list.message = *answer;
  question.pages.push_back(std::move(page));
}

namespace {

/// One more question that is under way at a server, however it ends.
class Counted {
 public:
  explicit Counted(std::size_t& count) : count_(count) { ++count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count_; }

 private:
  std::size_t& count_;
};

}  // namespace

/// Asks one server for all of its list, as long as that is waited for.
net::Task<void> Router::ask(std::shared_ptr<Company> company, std::shared_ptr<Questions> all, std::size_t which, std::string request) {
  const Questions::Over over(*all);
  Question& question = all->each[which];
  const std::shared_ptr<const bool> over_flag(all, &all->given_up);
  std::size_t& under_way = company->members[question.server].lists_asked;
  if (under_way >= most_at_once) {
    question.fault = "too many lists are asked of it at once";
    question.over = true;
    co_return;
  }
  const Counted counted(under_way);
  const gateway::Gate* gate = gates_.find(question.server);
  const net::Duration time = gate != nullptr ? net::Duration(gate->server().start_timeout) : net::Duration::zero();
  if (co_await reach(company, question.server, parts_.loop.now() + time)) {
    // Who says that it has none is not asked, and does not miss.
    if (all->method == mcp::MethodId::server_discover) co_await read_introduction(company, question, request, over_flag);
    else if (company->stateless() || has_lists(company->members[question.server].capabilities, all->method)) co_await read_pages(company, question, request, *mcp::list_shape(all->method), over_flag);
  } else {
    question.fault = company->members[question.server].fault;
    question.words = company->members[question.server].words;
  }
  question.over = true;
}

net::Task<void> Router::read_pages(std::shared_ptr<Company> company, Question& question, const std::string& request, mcp::ListShape shape, std::shared_ptr<const bool> over) {
  json::Document document;
  const auto first = mcp::read_message(request, document, mcp::Direction::from_client);
  std::size_t bytes = 0;
  std::vector<std::string> cursors;
  std::string next = request;
  for (;;) {
    auto page = std::make_unique<Page>();
    std::string failure;
    page->text = co_await say(company, question.server, std::move(next), question.origin, over, &failure);
    const auto answer = mcp::read_message(page->text, page->document, mcp::Direction::from_server, upstream::whole_answer);
    auto list = answer && answer->result ? mcp::read_list_page(*answer, shape) : Result<mcp::ListPage>(fail(ErrorKind::invalid, reason_of(answer, failure)));
    if (!list) {
      if (!says_unknown_method(answer)) question.fault = list.error().message;
      question.words = words_of(answer);
      co_return;
    }
    bytes += page->text.size();
    page->list = std::move(*list);
    const std::optional<std::string> cursor = page->list.next_cursor ? std::optional<std::string>(page->list.next_cursor->view()) : std::nullopt;
    question.pages.push_back(std::move(page));
    if (!cursor) co_return;
    const bool circles = std::ranges::find(cursors, *cursor) != cursors.end();
    if (circles || !first || question.pages.size() >= most_pages || bytes > parts_.config.limits.result) {
      question.fault = circles ? "its list goes in circles" : "its list is too long";
      co_return;
    }
    cursors.push_back(*cursor);
    next = mcp::next_page_request(*first, first->id_text, *cursor);
  }
}

/// The items of one server under the names that clients know; of two that would
/// have one name the first.
std::string Router::items_of(Company& company, mcp::MethodId list, const Question& question) {
  const std::string slug = slug_of(question.server);
  std::unordered_set<std::string> names;
  Steps steps(UriBook::most_steps);
  const auto shown = [&](std::string_view key) {
    if (list == mcp::MethodId::resources_list) return company.uris.shown(question.server, slug, key, steps);
    if (list == mcp::MethodId::resources_templates_list) return company.uris.shown_template(question.server, slug, key);
    if (list == mcp::MethodId::tasks_list) return shown_task(slug, key);
    std::string name = shown_name(slug, key);
    if (list == mcp::MethodId::prompts_list && may_be_cut(name)) company.prompts.remember(name, key);
    return name;
  };
  std::string out;
  for (const auto& page : question.pages) {
    const std::string items = renamed_items(page->list, [&](const mcp::ListItem& item) -> std::optional<std::string> {
      std::string name = shown(item.key.view());
      return names.insert(name).second ? std::optional(std::move(name)) : std::nullopt;
    });
    if (!items.empty() && !out.empty()) out += ',';
    out += items;
  }
  return out;
}

/// Ends what is still asked. In a session a server hears of it by the notice that
/// the protocol has for that; a request that stands alone ends with its channel.
void Router::give_up(const std::shared_ptr<Company>& company, Questions& all, const std::string& request) {
  all.give_up(*company);
  json::Document document;
  const auto asked = mcp::read_message(request, document, mcp::Direction::from_client);
  if (company->stateless() || !asked) return;
  for (const Question& each : all.each) {
    const auto conversation = each.over ? nullptr : open_now(*company, each.server);
    if (conversation && conversation->find_in_flight(asked->id_text) != nullptr) tasks_.spawn(stop_asking(company, each.server, std::string(asked->id_text)));
  }
}

net::Task<void> Router::stop_asking(std::shared_ptr<Company> company, std::string server, std::string id_text) {
  [[maybe_unused]] const std::string nothing = co_await say(company, server, mcp::cancelled_notification(id_text, "nobody waits for the answer any more"), {});
}

net::Task<void> Router::tell_when_gone(gateway::Channel& channel, std::shared_ptr<Questions> all, bool& gone) {
  co_await channel.until_gone();
  gone = true;
  all->changed.notify();
}

/// Who is known to be silent is not asked: it is missing at once.
std::shared_ptr<Router::Questions> Router::begin_asking(const std::shared_ptr<Company>& company, mcp::MethodId list, const std::string& request, const Origin& origin) {
  auto all = std::make_shared<Questions>(parts_.loop);
  all->method = list;
  for (const auto& gate : gates_.all()) {
    if (!company->callers.contains(gate->name())) continue;
    Question& question = all->each.emplace_back();
    question.server = gate->name();
    question.origin = origin;
    question.over = is_silent(*company, gate->name(), list);
    if (question.over) question.fault = too_slow;
  }
  all->under_way = static_cast<std::size_t>(std::ranges::count(all->each, false, &Question::over));
  for (std::size_t i = 0; i < all->each.size(); ++i) {
    if (!all->each[i].over) tasks_.spawn(ask(company, all, i, request));
  }
  return all;
}

/// Asks all servers of the caller; returns when the last has answered, the time for
/// a slow one is over, or the client is gone (`client`; null: that is not looked at).
net::Task<std::shared_ptr<Router::Questions>> Router::ask_all(std::shared_ptr<Company> company, mcp::MethodId list, std::string request, Origin origin, gateway::Channel* client) {
  const auto all = begin_asking(company, list, request, origin);
  bool gone = false;
  {
    net::TaskGroup watching;
    if (client != nullptr) watching.spawn(tell_when_gone(*client, all, gone));
    co_await all->wait(parts_.loop, parts_.config.aggregate_wait, &gone);
  }
  if (!gone && !all->given_up) {
    for (const Question& each : all->each) {
      if (!each.over) note_silent(company, each.server, list);
    }
  }
  give_up(company, *all, request);
  co_return all;
}

/// One failing or slow server does not keep the others' items back: who is missing
/// is told to the client and to the log.
net::Task<void> Router::handle_list(Incoming& in, const gateway::InFlight& flight) {
  const auto wanted = mcp::read_list_request(in.message);
  // No list of several servers is given in pages, so no cursor was given out.
  if (!wanted || wanted->cursor)
    co_return co_await refuse(in, mcp::code::invalid_params, wanted ? std::string_view("this cursor was not given out: ask without one") : std::string_view(wanted.error().message));
  const mcp::MethodId list = in.message.method_id;
  const auto all = co_await ask_all(in.company, list, std::string(in.message.bytes()), in.origin(), &in.channel);
  if (flight.cancelled) co_return static_cast<void>(co_await in.channel.ended());

  // Who did not answer in time is missing, also where an answer comes while the others' are put together.
  std::vector<const Question*> answered;
  std::vector<Missing> missing;
  for (const Question& each : all->each) {
    if (!each.over || !each.fault.empty()) missing.push_back({.server = each.server, .why = each.over ? each.fault : std::string(too_slow), .words = each.words});
    if (each.over) answered.push_back(&each);
  }
  std::string items;
  for (const Question* each : answered) {
    // The steps of each server are bounded; those of all together would hold up everybody.
    if (each != answered.front()) co_await parts_.loop.next_turn();
    const std::string part = items_of(*in.company, list, *each);
    if (!part.empty() && !items.empty()) items += ',';
    items += part;
  }
  if (flight.cancelled) co_return static_cast<void>(co_await in.channel.ended());
  for (const Missing& each : missing) parts_.log.warn("aggregate_list_incomplete", {{"server", each.server}, {"method", in.message.method.view()}, {"why", each.why}, {"words", each.words}});
  if (!missing.empty() && missing.size() == all->each.size()) co_return co_await answer_none(in, missing);
  co_await in.channel.answer(merged_list(in.message.id_text, mcp::list_shape(list)->array, items, missing, mcp::era_of(in.company->client.session.revision)));
}

net::Task<void> Router::answer_none(Incoming& in, std::span<const Missing> missing) {
  const std::string why = fmt::format("none of the servers gave an answer; `{}`: {}", missing.front().server, missing.front().why);
  co_await in.channel.answer(mcp::rpc_error(in.message.id_text, mcp::code::internal_error, why));
}

}  // namespace callgate::aggregate
