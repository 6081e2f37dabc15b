// What names a tool, a prompt or a resource: found at its server, and sent there under its own name.
#include <algorithm>

#include <fmt/format.h>

#include "aggregate/names.hpp"
#include "aggregate/questions.hpp"
#include "base/random.hpp"
#include "mcp/codes.hpp"
#include "mcp/own_messages.hpp"
#include "mcp/requests.hpp"
#include "mcp/tool_call.hpp"

namespace callgate::aggregate {

namespace {

constexpr net::Duration between_lessons = std::chrono::seconds(10);

bool has_name(const registry::ToolTable& table, std::string_view name) {
  return std::ranges::any_of(table.tools(), [name](const registry::Tool& tool) { return tool.name == name; });
}

}  // namespace

const gateway::Gate* Router::gate_of_slug(const Company& company, std::string_view slug) const {
  const auto found = std::ranges::find_if(gates_.all(), [&](const auto& gate) { return company.callers.contains(gate->name()) && slug_of(gate->name()) == slug; });
  return found == gates_.all().end() ? nullptr : found->get();
}

/// The server and its own name of a tool; nothing where no server of this caller
/// is meant. Whether there is such a tool, and may be seen, is the gate's to say.
std::optional<Route> Router::tool_route(const Company& company, std::string_view shown) const {
  const auto split = split_name(shown);
  const gateway::Gate* gate = split ? gate_of_slug(company, split->slug) : nullptr;
  if (gate == nullptr) return std::nullopt;
  // A list that was read in the one era does for the other: what is called is judged by the call's own.
  for (const mcp::Era era : {mcp::Era::legacy, mcp::Era::modern}) {
    const auto& table = gate->tools().known(era).table;
    if (!table || !may_be_cut(shown) || has_name(*table, split->name)) continue;
    const auto cut = std::ranges::find_if(table->tools(), [&](const registry::Tool& tool) { return shown_name(split->slug, tool.name) == shown; });
    if (cut != table->tools().end()) return Route{.server = gate->name(), .name = cut->name};
  }
  return Route{.server = gate->name(), .name = std::string(split->name)};
}

/// The same for a prompt.
std::optional<Route> Router::prompt_route(const Company& company, std::string_view shown) const {
  const auto split = split_name(shown);
  const gateway::Gate* gate = split ? gate_of_slug(company, split->slug) : nullptr;
  if (gate == nullptr) return std::nullopt;
  const std::string* whole = company.prompts.find(shown);
  return Route{.server = gate->name(), .name = whole != nullptr ? *whole : std::string(split->name)};
}

/// The same for a URI. One that nobody listed is nobody's: it is not shown to
/// servers that it may not be for.
std::optional<Route> Router::resource_route(const Company& company, std::string_view uri) const {
  if (const auto wrapped = UriBook::unwrap(uri)) {
    const gateway::Gate* gate = gate_of_slug(company, wrapped->slug);
    if (gate != nullptr) return Route{.server = gate->name(), .name = std::string(wrapped->uri)};
  }
  const auto server = company.uris.server_of(uri);
  if (server && company.callers.contains(*server) && gates_.find(*server) != nullptr) return Route{.server = *server, .name = std::string(uri)};
  return std::nullopt;
}

namespace {

/// A lesson while it is under way, however it ends.
class UnderWay {
 public:
  UnderWay(Company& company, Company::Lesson& lesson) : company_(company), lesson_(lesson) { lesson_.under_way = true; }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;
  /// It was learned now.
  void done(net::Instant now) { lesson_.at = now; }
  ~UnderWay() {
    lesson_.under_way = false;
    company_.changed.notify();
  }

 private:
  Company& company_;
  Company::Lesson& lesson_;
};

}  // namespace

/// Asks the servers for lists that the client did not ask for, or not lately. Who
/// comes meanwhile waits for the same answers.
net::Task<void> Router::learn(std::shared_ptr<Company> company, Company::Lesson& lesson, std::vector<mcp::MethodId> lists, std::string client) {
  while (lesson.under_way) co_await company->changed.wait(net::Loop::forever);
  if (lesson.at != net::Instant{} && parts_.loop.now() - lesson.at < between_lessons) co_return;
  UnderWay under_way(*company, lesson);
  for (const mcp::MethodId list : lists) {
    // An id that no client can guess: its own requests stand beside it.
    const std::string request = mcp::plain_request(json::quoted("callgate-" + random_hex(16)), list, company->client.session.revision);
    const auto all = co_await ask_all(company, list, request, {.client = client}, nullptr);
    for (const Question& each : all->each) {
      if (!each.over) continue;
      [[maybe_unused]] const std::string items = items_of(*company, list, each);
      co_await parts_.loop.next_turn();  // as for a list that is asked for
    }
  }
  under_way.done(parts_.loop.now());
}

net::Task<std::optional<Route>> Router::find_prompt(const Incoming& in, std::string shown) {
  const std::shared_ptr<Company> company = in.company;
  if (may_be_cut(shown) && company->prompts.find(shown) == nullptr) co_await learn(company, company->prompts_learned, {mcp::MethodId::prompts_list}, in.channel.client());
  co_return prompt_route(*company, shown);
}

net::Task<std::optional<Route>> Router::find_resource(const Incoming& in, std::string uri) {
  const std::shared_ptr<Company> company = in.company;
  auto route = resource_route(*company, uri);
  if (route) co_return route;
  co_await learn(company, company->resources_learned, {mcp::MethodId::resources_templates_list, mcp::MethodId::resources_list}, in.channel.client());
  co_return resource_route(*company, uri);
}

namespace {

/// The server's own URI of a resource that was named in the wrapped form; empty: none was.
std::string wrapped_uri(const mcp::Message& message, const Route& route) {
  using enum mcp::MethodId;
  const bool of_resource = message.method_id == resources_read || message.method_id == resources_subscribe;
  const auto uri = of_resource && message.params ? message.params.find("uri") : std::nullopt;
  return uri && !uri->equals(route.name) ? route.name : std::string();
}

}  // namespace

/// Under its server's own name for it; `name` is the value that is replaced.
net::Task<void> Router::send_named(Incoming& in, gateway::InFlight& flight, const Route& route, json::Value name) {
  const std::string own = json::quoted(route.name);
  std::vector<mcp::Edit> edits;
  if (!name.equals(route.name)) edits.push_back(mcp::replace(name, own));
  Company& company = *in.company;
  const auto show = [&company, server = route.server, of = in.message.method_id, wrapped = wrapped_uri(in.message, route)](std::string_view answer) {
    return shown_answer(company, server, of, answer, wrapped);
  };
  co_await pass_on(in, &flight, route.server, std::move(edits), show);
}

/// What a cut name stands for is known once the gate has read its server's list.
net::Task<void> Router::know_cut(const Company& company, std::string_view shown) {
  const auto split = may_be_cut(shown) ? split_name(shown) : std::nullopt;
  const gateway::Gate* there = split ? gate_of_slug(company, split->slug) : nullptr;
  gateway::Gate* gate = there != nullptr ? gates_.find(there->name()) : nullptr;
  if (gate == nullptr || gate->tools().known(mcp::Era::legacy).table || gate->tools().known(mcp::Era::modern).table) co_return;
  co_await gate->tools().settled(mcp::era_of(company.client.session.revision), parts_.config.aggregate_wait);
}

net::Task<void> Router::call_tool(Incoming& in, gateway::InFlight& flight) {
  const auto call = mcp::read_tool_call(in.message);
  if (!call) co_return co_await refuse(in, mcp::code::invalid_params, call.error().message);
  co_await know_cut(*in.company, call->name.view());
  const auto route = tool_route(*in.company, call->name.view());
  if (route) co_return co_await send_named(in, flight, *route, *in.message.params.find("name"));
  note_refused(in, "no server of this caller has a tool of this name");
  co_await in.channel.answer(mcp::unknown_tool(in.message.id_text, call->name.view()));
}

net::Task<void> Router::get_prompt(Incoming& in, gateway::InFlight& flight) {
  const auto get = mcp::read_prompt_get(in.message);
  if (!get) co_return co_await refuse(in, mcp::code::invalid_params, get.error().message);
  const auto route = co_await find_prompt(in, std::string(get->name.view()));
  if (route) co_return co_await send_named(in, flight, *route, *in.message.params.find("name"));
  note_refused(in, "no server of this caller has a prompt of this name");
  co_await in.channel.answer(mcp::unknown_prompt(in.message.id_text, get->name.view()));
}

net::Task<void> Router::use_resource(Incoming& in, gateway::InFlight& flight) {
  const auto resource = mcp::read_resource_request(in.message);
  if (!resource) co_return co_await refuse(in, mcp::code::invalid_params, resource.error().message);
  const auto route = co_await find_resource(in, std::string(resource->uri.view()));
  if (route) co_return co_await send_named(in, flight, *route, *in.message.params.find("uri"));
  note_refused(in, "no server of this caller has this resource");
  co_await in.channel.answer(mcp::resource_not_found(in.message.id_text, resource->uri.view(), mcp::era_of(in.company->client.session.revision)));
}

net::Task<void> Router::complete(Incoming& in, gateway::InFlight& flight) {
  const auto completion = mcp::read_completion(in.message);
  if (!completion) co_return co_await refuse(in, mcp::code::invalid_params, completion.error().message);
  const bool prompt = completion->of == mcp::Completion::Of::prompt;
  const std::string subject(completion->subject.view());
  const auto route = prompt ? co_await find_prompt(in, subject) : co_await find_resource(in, subject);
  const auto ref = in.message.params.find("ref");
  const auto name = ref ? ref->find(prompt ? "name" : "uri") : std::nullopt;
  if (route && name) co_return co_await send_named(in, flight, *route, *name);
  note_refused(in, "no server of this caller has what is to be completed");
  co_await in.channel.answer(prompt ? mcp::unknown_prompt(in.message.id_text, subject)
                                    : mcp::resource_not_found(in.message.id_text, subject, mcp::era_of(in.company->client.session.revision)));
}

/// tasks/get, tasks/result, tasks/update, tasks/cancel. Whose task it is, its gate knows.
net::Task<void> Router::use_task(Incoming& in, gateway::InFlight& flight) {
  const auto task = mcp::read_task_request(in.message);
  if (!task) co_return co_await refuse(in, mcp::code::invalid_params, task.error().message);
  const auto split = split_name(task->task_id.view());
  const gateway::Gate* gate = split ? gate_of_slug(*in.company, split->slug) : nullptr;
  if (gate != nullptr) co_return co_await send_named(in, flight, {.server = gate->name(), .name = std::string(split->name)}, *in.message.params.find("taskId"));
  note_refused(in, "no server of this caller has this task");
  co_await in.channel.answer(mcp::unknown_task(in.message.id_text));
}

}  // namespace callgate::aggregate
