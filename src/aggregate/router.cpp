#include "aggregate/router.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "aggregate/names.hpp"
#include "aggregate/questions.hpp"
#include "mcp/codes.hpp"
#include "mcp/requests.hpp"
#include "mcp/tool_call.hpp"
#include "upstream/link.hpp"

namespace callgate::aggregate {

namespace {

constexpr std::array<std::string_view, 8> log_levels{"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"};
constexpr net::Duration between_uses = std::chrono::seconds(10);  ///< what is used all the time is told as used so often

}  // namespace

void Router::note_refused(const Incoming& in, std::string_view why) {
  parts_.journal.refused({.method = in.message.method.view(), .era = mcp::word(in.company->client.session.revision), .reason = why});
}

net::Task<void> Router::refuse(Incoming& in, int code, std::string_view why) {
  note_refused(in, why);
  if (in.message.is_notification()) {
    co_await in.channel.accepted();
    co_return;
  }
  const bool request = in.message.is_request();
  co_await in.channel.answer(mcp::rpc_error(request ? in.message.id_text : std::string_view{}, code, why), {}, request && !in.company->stateless() ? 200 : 400);
}

net::Task<void> Router::handle(Incoming in) {
  gateway::Conversation& client = in.company->client;
  client.last_used = parts_.loop.now();
  if (in.company->kept && client.last_used - in.company->told >= between_uses) {
    in.company->told = client.last_used;
    parts_.sessions.used(client.session.name);
  }
  const gateway::Busy of_client(client.busy);
  if (in.message.is_response()) co_return co_await handle_response(in);
  const bool known = mcp::standing(in.message.method_id, client.session.revision, mcp::Direction::from_client) == mcp::Standing::known;
  if (in.message.is_notification()) {
    // As at a gate: a request's method without an id is refused like what nobody knows.
    if (known && mcp::is_notification(in.message.method_id)) co_return co_await handle_notification(in);
    co_return co_await refuse(in, mcp::code::invalid_request, "unknown notification");
  }
  if (!known || mcp::is_notification(in.message.method_id)) {
    note_refused(in, "method not on the allow-list");
    co_await in.channel.answer(mcp::method_not_found(in.message.id_text, in.message.method.view()));
    co_return;
  }
  if (client.find_in_flight(in.message.id_text) != nullptr)
    co_return co_await refuse(in, mcp::code::invalid_request, "a request with this id is still under way: use each id once");
  gateway::InFlight flight;
  flight.id = in.message.id_text;
  flight.channel = &in.channel;
  client.in_flight.push_back(flight);
  co_await handle_request(in, flight);
}

net::Task<void> Router::handle_request(Incoming& in, gateway::InFlight& flight) {
  using enum mcp::MethodId;
  switch (in.message.method_id) {
    case initialize: return handle_initialize(in);
    case tools_list:
    case prompts_list:
    case resources_list:
    case resources_templates_list:
    case tasks_list: return handle_list(in, flight);
    case tools_call: return call_tool(in, flight);
    case prompts_get: return get_prompt(in, flight);
    case resources_read:
    case resources_subscribe:
    case resources_unsubscribe: return use_resource(in, flight);
    case completion_complete: return complete(in, flight);
    case tasks_get:
    case tasks_result:
    case tasks_cancel: return use_task(in, flight);
    case logging_set_level: return set_level(in);
    default: break;
  }
  if (in.message.method_id == ping) return answer_empty(in);
  return unknown_method(in);
}

/// The client's own life signs are answered here: no server is asked.
net::Task<void> Router::answer_empty(Incoming& in) { co_await in.channel.answer(mcp::empty_result(in.message.id_text, mcp::Era::legacy)); }

net::Task<void> Router::unknown_method(Incoming& in) { co_await in.channel.answer(mcp::method_not_found(in.message.id_text, in.message.method.view())); }

std::vector<mcp::ParamHeader> Router::param_headers(const std::shared_ptr<Company>& company, const mcp::Message& message) const {
  const auto call = message.method_id == mcp::MethodId::tools_call ? mcp::read_tool_call(message) : Result<mcp::ToolCall>(std::unexpected(Error{}));
  const auto route = call ? tool_route(*company, call->name.view()) : std::nullopt;
  const gateway::Gate* gate = route ? gates_.find(route->server) : nullptr;
  if (gate == nullptr) return {};
  std::string bytes;
  json::Document document;
  const std::string name = json::quoted(route->name);
  const std::vector<mcp::Edit> edits{mcp::replace(*message.params.find("name"), name)};
  const auto named = mcp::splice_and_read(message, edits, mcp::Direction::from_client, {}, bytes, document);
  if (!named) return {};
  const session::Caller& caller = company->callers.find(route->server)->second;
  const auto asks = std::make_shared<gateway::Conversation>();
  asks->session.grant = caller.grant;
  asks->session.grant_policy = caller.policy;
  KeptAnswer nowhere(company, route->server);
  return gate->param_headers({.conversation = asks, .message = *named, .revision = company->client.session.revision, .channel = nowhere});
}

namespace {

/// The tool or prompt as the client names it, for answers that say there is none.
std::string called_by_client(const mcp::Message& message) {
  using enum mcp::MethodId;
  const auto ref = message.method_id == completion_complete && message.params ? message.params.find("ref") : std::nullopt;
  const json::Value holder = ref ? *ref : message.params;
  const bool names = ref || message.method_id == tools_call || message.method_id == prompts_get;
  const auto name = names && holder && holder.is_object() ? holder.find("name") : std::nullopt;
  return name && name->is_string() ? name->string() : std::string();
}

}  // namespace

net::Task<void> Router::pass_on(Incoming& in, const gateway::InFlight* flight, std::string server, std::vector<mcp::Edit> edits, MemberChannel::Show show) {
  const gateway::Gate* there = gates_.find(server);
  const net::Duration time = there != nullptr ? net::Duration(there->server().start_timeout) : net::Duration::zero();
  const auto conversation = co_await reach(in.company, server, parts_.loop.now() + time);
  if (flight != nullptr && flight->cancelled) co_return static_cast<void>(co_await in.channel.ended());
  gateway::Gate* gate = gates_.find(server);  // servers may have changed while it was opened
  if (!conversation || gate == nullptr) {
    const std::string why = fmt::format("the server `{}` cannot be reached: {}", server, in.company->members[server].fault);
    co_return static_cast<void>(co_await in.channel.answer(mcp::rpc_error(in.message.id_text, mcp::code::internal_error, why)));
  }
  std::string bytes;
  json::Document document;
  const auto message = mcp::splice_and_read(in.message, edits, mcp::Direction::from_client, {}, bytes, document);
  if (!message) co_return co_await refuse(in, mcp::code::invalid_params, message.error().message);
  MemberChannel channel(*in.company, server, in.channel, upstream::progress_token(in.message), std::move(show));
  co_await gate->handle({.conversation = conversation, .message = *message, .revision = conversation->session.revision, .channel = channel, .trace = in.trace, .called = called_by_client(in.message)});
}

net::Task<void> Router::handle_notification(Incoming& in) {
  using enum mcp::MethodId;
  switch (in.message.method_id) {
    case notifications_cancelled: return handle_cancel(in);
    case notifications_progress: return handle_progress(in);
    case notifications_initialized:
    case notifications_roots_list_changed: return tell_all(in);
    default: return take(in);
  }
}

/// One that is about something of one server's, which only that server could name.
net::Task<void> Router::take(Incoming& in) { co_await in.channel.accepted(); }

net::Task<void> Router::tell_all(Incoming& in) {
  if (in.message.method_id == mcp::MethodId::notifications_initialized) in.company->initialized = true;
  [[maybe_unused]] const auto told = co_await say_to_all(in.company, std::string(in.message.bytes()), in.origin(), Expects::nothing);
  co_await in.channel.accepted();
}

/// To whichever server works on that request: ids of the client are its own at each.
net::Task<void> Router::handle_cancel(Incoming& in) {
  const auto cancelled = mcp::read_cancelled(in.message);
  if (cancelled && !cancelled->request_id.empty()) {
    if (gateway::InFlight* flight = in.company->client.find_in_flight(cancelled->request_id)) flight->cancelled = true;
    std::vector<std::string> busy;
    for (const auto& [server, member] : in.company->members) {
      const auto conversation = open_now(*in.company, server);
      if (conversation && conversation->find_in_flight(cancelled->request_id) != nullptr) busy.push_back(server);
    }
    for (const std::string& server : busy) [[maybe_unused]] const std::string nothing = co_await say(in.company, server, std::string(in.message.bytes()), in.origin());
  }
  co_await in.channel.accepted();
}

/// Progress of the client on what a server asked of it.
net::Task<void> Router::handle_progress(Incoming& in) {
  const auto progress = mcp::read_progress(in.message);
  const Asked* asked = progress ? in.company->find_asked(progress->token) : nullptr;
  if (asked != nullptr && !asked->progress_token.empty()) {
    const std::vector<mcp::Edit> edits{mcp::replace(progress->token_value, asked->progress_token)};
    [[maybe_unused]] const std::string nothing = co_await say(in.company, asked->server, mcp::splice(in.message.bytes(), edits), in.origin());
  }
  co_await in.channel.accepted();
}

/// An answer to what a server, or its gate, asked of the client.
net::Task<void> Router::handle_response(Incoming& in) {
  const auto asked = in.company->take_asked(in.message.id_text);
  const auto conversation = asked ? open_now(*in.company, asked->server) : nullptr;
  gateway::Gate* gate = asked ? gates_.find(asked->server) : nullptr;
  if (!conversation || gate == nullptr || asked->conversation.lock() != conversation)
    co_return co_await refuse(in, mcp::code::invalid_request, "nobody waits for this response");
  std::string bytes;
  json::Document document;
  std::vector<mcp::Edit> edits{mcp::replace(in.message.id, asked->original)};
  // The client repeats which task the question belongs to.
  const auto related = in.message.meta ? in.message.meta.find("io.modelcontextprotocol/related-task") : std::nullopt;
  const auto task = related ? related->find("taskId") : std::nullopt;
  const std::string shown = task && task->is_string() ? task->string() : std::string();
  const auto split = split_name(shown);
  const std::string own = split && split->slug == slug_of(asked->server) ? json::quoted(split->name) : std::string();
  if (!own.empty()) edits.push_back(mcp::replace(*task, own));
  const auto message = mcp::splice_and_read(in.message, edits, mcp::Direction::from_client, {}, bytes, document);
  if (!message) co_return co_await refuse(in, mcp::code::invalid_request, message.error().message);
  co_await gate->handle({.conversation = conversation, .message = *message, .revision = conversation->session.revision, .channel = in.channel, .trace = in.trace});
}

/// For all servers that log; one that is opened later hears it then.
net::Task<void> Router::set_level(Incoming& in) {
  const auto level = in.message.params ? in.message.params.find("level") : std::nullopt;
  const std::string word = level && level->is_string() ? level->string() : std::string();
  if (std::ranges::find(log_levels, word) == log_levels.end())
    co_return co_await refuse(in, mcp::code::invalid_params, "`level` is none of `debug`, `info`, `notice`, `warning`, `error`, `critical`, `alert`, `emergency`");
  in.company->level = word;
  const auto all = co_await say_to_all(in.company, std::string(in.message.bytes()), in.origin(), Expects::answer);
  const auto refused = [](const Question& each) {
    json::Document document;
    const auto answer = mcp::read_message(each.answer, document, mcp::Direction::from_server, upstream::whole_answer);
    return answer && answer->error;
  };
  // Where one took it, it is taken: the others do not log, or will hear it when they are opened anew.
  const bool none = !all->each.empty() && std::ranges::all_of(all->each, refused);
  co_await in.channel.answer(none ? all->each.front().answer : mcp::empty_result(in.message.id_text, mcp::Era::legacy));
}

namespace {

net::Task<void> close_when_gone(gateway::Channel& channel, std::shared_ptr<gateway::QueuedStream> stream) {
  co_await channel.until_gone();
  stream->close();
}

}  // namespace

/// A newer stream takes the place of the older, which ends.
net::Task<void> Router::serve_stream(std::shared_ptr<Company> company, gateway::Channel& channel) {
  const gateway::Busy of_client(company->client.busy);
  const auto stream = std::make_shared<gateway::QueuedStream>(parts_.loop);
  if (company->client.stream) company->client.stream->close();
  company->client.stream = stream;
  net::TaskGroup tasks;
  tasks.spawn(close_when_gone(channel, stream));
  stream->open();
  co_await stream->write_to(channel);
  if (company->client.stream == stream) company->client.stream.reset();
}

}  // namespace callgate::aggregate
