// Subscriptions of 2026-07-28: one with each server, told to the client as one.
#include <array>

#include <fmt/format.h>

#include "aggregate/listening.hpp"
#include "aggregate/names.hpp"
#include "aggregate/questions.hpp"
#include "mcp/codes.hpp"
#include "mcp/own_messages.hpp"
#include "mcp/to_legacy.hpp"
#include "upstream/link.hpp"

namespace callgate::aggregate {

namespace {

constexpr net::Duration time_to_cancel = std::chrono::seconds(5);
constexpr std::array<std::string_view, 3> flag_names{"toolsListChanged", "promptsListChanged", "resourcesListChanged"};

}  // namespace

/// One server's end of it.
class ListenChannel final : public gateway::Channel {
 public:
  using Listening = Router::Listening;
  ListenChannel(Listening& listening, Company& company, std::string server) : listening_(listening), company_(company), server_(std::move(server)) {}

  net::Task<bool> event(std::string_view bytes, std::string_view raw) override {
    if (bytes.empty()) {
      // A sign of life, which keeps proxies from taking the stream for a dead one.
      if (listening_.stream.opened() && !raw.empty()) listening_.stream.push({}, ":\n\n");
      co_return !listening_.leaving;
    }
    json::Document document;
    const auto message = mcp::read_message(bytes, document, mcp::Direction::from_server, upstream::whole_answer);
    if (message && message->method_id == mcp::MethodId::notifications_subscriptions_acknowledged) {
      if (acknowledged_) co_return !listening_.leaving;  // once for each server: no other's is stood in for
      listening_.acknowledged_by(server_, *message);
      acknowledged_ = true;
      co_return !listening_.leaving;
    }
    if (message && message->method_id == mcp::MethodId::notifications_progress) co_return !listening_.leaving;  // of no call of the client's
    auto shown = shown_message(company_, server_, bytes);
    // No server is read faster than the client reads.
    if (!co_await listening_.stream.room(std::chrono::seconds(30))) co_return false;
    if (shown && !listening_.push(std::move(*shown))) co_return false;
    co_return !listening_.leaving;
  }
  net::Task<bool> answer(std::string_view bytes, std::string_view /*raw*/, int /*status*/) override {
    answer_ = bytes;
    co_return true;
  }
  net::Task<bool> accepted() override { co_return true; }
  net::Task<bool> ended() override { co_return true; }
  bool gone() const override { return listening_.leaving; }
  bool takes_raw() const override { return false; }
  bool may_resume() const override { return false; }
  std::string client() const override { return listening_.origin.client; }
  net::Task<void> until_gone() override {
    while (!listening_.leaving) co_await listening_.gone.wait(net::Loop::forever);
  }

  const std::string& answer_text() const { return answer_; }
  bool acknowledged() const { return acknowledged_; }

 private:
  Listening& listening_;
  Company& company_;
  std::string server_;
  std::string answer_;
  bool acknowledged_ = false;
};

namespace {

net::Task<void> leave_when_gone(gateway::Channel& channel, gateway::QueuedStream& stream) {
  co_await channel.until_gone();
  stream.close();
}

}  // namespace

void Router::Listening::acknowledged_by(const std::string& server, const mcp::Message& acknowledgement) {
  const auto filter = acknowledgement.params ? acknowledgement.params.find("notifications") : std::nullopt;
  for (std::size_t i = 0; filter && i < flag_names.size(); ++i) {
    const auto flag = filter->find(flag_names[i]);
    flags_[i] = flags_[i] || (flag && flag->is_boolean() && flag->boolean());
  }
  const auto uris = filter ? filter->find("resourceSubscriptions") : std::nullopt;
  if (uris && uris->is_array()) {
    Steps steps(UriBook::most_steps);
    for (const json::Value uri : uris->elements()) {
      if (!uri.is_string()) continue;
      if (wrapped.contains({server, uri.string()})) company_->uris.keep_wrapped(server, uri.string());
      uris_ += (uris_.empty() ? "" : ",") + json::quoted(company_->uris.shown(server, slug_of(server), uri.string(), steps));
    }
  }
  const auto tasks = filter ? filter->find("taskIds") : std::nullopt;
  if (tasks && tasks->is_array()) {
    for (const json::Value id : tasks->elements()) {
      if (id.is_string()) tasks_ += (tasks_.empty() ? "" : ",") + json::quoted(shown_task(slug_of(server), id.string()));
    }
  }
  if (unacknowledged > 0 && --unacknowledged == 0) acknowledge();
}

void Router::Listening::acknowledge() {
  if (acknowledged_) return;
  acknowledged_ = true;
  std::string filter;
  for (std::size_t i = 0; i < flag_names.size(); ++i) {
    if (flags_[i]) filter += fmt::format(R"({}"{}":true)", filter.empty() ? "" : ",", flag_names[i]);
  }
  if (!uris_.empty()) filter += fmt::format(R"({}"resourceSubscriptions":[{}])", filter.empty() ? "" : ",", uris_);
  if (!tasks_.empty()) filter += fmt::format(R"({}"taskIds":[{}])", filter.empty() ? "" : ",", tasks_);
  stream.open();
  stream.push(mcp::acknowledged('{' + filter + '}', id_), {});
  for (std::string& each : held_) stream.push(each, {});
  held_.clear();
}

bool Router::Listening::push(std::string bytes) {
  constexpr std::size_t most_held = std::size_t{2} << 20U;  // finds room in the stream
  if (acknowledged_) return stream.push(bytes, {});
  const std::size_t size = bytes.size() + sizeof(std::string);
  if (!held_.empty() && held_bytes_ + size > most_held) return false;
  held_bytes_ += size;
  held_.push_back(std::move(bytes));
  return true;
}

void Router::Listening::ended(std::string_view answer) {
  refusal_ = answer;
  if (--under_way == 0) stream.close();
  over.notify();
}

/// The subscription with one server, until that ends it or the client leaves.
net::Task<void> Router::listen_at(std::shared_ptr<Company> company, std::string server, std::string request, Listening& listening) {
  const auto conversation = open_now(*company, server);
  gateway::Gate* gate = gates_.find(server);
  json::Document document;
  const auto message = mcp::read_message(request, document, mcp::Direction::from_client);
  ListenChannel channel(listening, *company, server);
  if (conversation && gate != nullptr && message)
    co_await gate->handle({.conversation = conversation, .message = *message, .revision = conversation->session.revision, .channel = channel, .trace = listening.origin.trace});
  // One that carries nothing is not waited for by the others.
  if (!channel.acknowledged() && listening.unacknowledged > 0 && --listening.unacknowledged == 0 && listening.under_way > 1) listening.acknowledge();
  listening.ended(channel.answer_text());
}

net::Task<void> Router::acknowledge_in_time(Listening& listening) {
  co_await parts_.loop.sleep(parts_.config.aggregate_wait);
  listening.acknowledge();
}

/// What each server is asked for: all lists that the client wants to hear of, and
/// its own resources under its own URIs.
net::Task<std::vector<std::pair<std::string, std::string>>> Router::parts_of(Incoming& in, const mcp::Listen& wanted, Listening& listening) {
  std::map<std::string, std::string, std::less<>> uris;
  for (const mcp::Text& uri : wanted.uris) {
    const auto route = co_await find_resource(in, std::string(uri.view()));
    if (!route) continue;
    if (uri.view() != route->name) listening.wrapped.emplace(route->server, route->name);
    std::string& list = uris[route->server];
    list += (list.empty() ? "" : ",") + json::quoted(route->name);
  }
  // Ids of tasks say whose they are.
  const auto filter = in.message.params.find("notifications");
  const auto ids = filter ? filter->find("taskIds") : std::nullopt;
  std::map<std::string, std::string, std::less<>> tasks;
  if (ids && ids->is_array()) {
    for (const json::Value id : ids->elements()) {
      const std::string shown = id.is_string() ? id.string() : std::string();
      const auto split = split_name(shown);
      if (!split) continue;
      std::string& list = tasks[std::string(split->slug)];
      list += (list.empty() ? "" : ",") + json::quoted(split->name);
    }
  }
  std::vector<std::pair<std::string, std::string>> each;
  for (const auto& gate : gates_.all()) {
    if (!in.company->callers.contains(gate->name())) continue;
    const auto own = uris.find(gate->name());
    std::vector<mcp::Edit> edits;
    const std::string list = '[' + (own == uris.end() ? std::string() : own->second) + ']';
    const auto own_tasks = tasks.find(slug_of(gate->name()));
    const std::string task_list = '[' + (own_tasks == tasks.end() ? std::string() : own_tasks->second) + ']';
    if (ids) edits.push_back(mcp::replace(*ids, task_list));
    if (wanted.resources) edits.push_back(mcp::replace(wanted.resources, list));
    each.emplace_back(gate->name(), mcp::splice(in.message.bytes(), edits));
  }
  co_return each;
}

net::Task<void> Router::handle_listen(Incoming& in) {
  const auto wanted = mcp::read_listen(in.message);
  if (!wanted) co_return co_await refuse(in, mcp::code::invalid_params, wanted.error().message);
  Listening listening(parts_.loop, in.company, in.message.id_text);
  listening.origin = in.origin();
  auto parts = co_await parts_of(in, *wanted, listening);
  listening.changes = wanted->changes;
  listening.under_way = listening.unacknowledged = parts.size();
  listening_.push_back(listening);
  {
    net::TaskGroup tasks;
    tasks.spawn(leave_when_gone(in.channel, listening.stream));
    tasks.spawn(acknowledge_in_time(listening));
    for (auto& [server, request] : parts) tasks.spawn(listen_at(in.company, server, std::move(request), listening));
    co_await listening.stream.write_to(in.channel);
    // The servers are told, and get a moment to hear it.
    listening.leaving = true;
    listening.gone.notify();
    const net::Instant until = parts_.loop.now() + time_to_cancel;
    while (listening.under_way != 0 && parts_.loop.now() < until) co_await listening.over.wait(until - parts_.loop.now());
  }
  const bool refused = !listening.stream.opened() && !listening.refusal().empty();
  co_await in.channel.answer(refused ? listening.refusal() : mcp::empty_result(in.message.id_text, mcp::Era::modern));
}

/// Subscriptions end when the gates end theirs; those that hear of lists are told here that others are served.
void Router::tell_subscribers() {
  for (net::ListNode* node = listening_.next; node != &listening_; node = node->next) {
    auto& each = static_cast<Listening&>(*node);
    for (const mcp::MethodId changed : each.changes.changed()) [[maybe_unused]] const bool heard = each.push(mcp::subscribed_notification(changed, each.id()));
  }
}

}  // namespace callgate::aggregate
