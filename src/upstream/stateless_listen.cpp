// Subscriptions of the stateless bridge: a session's stream for those who listen.
#include <algorithm>

#include "mcp/answers.hpp"
#include "mcp/own_messages.hpp"
#include "mcp/requests.hpp"
#include "upstream/stateless_parts.hpp"

namespace callgate::upstream {

namespace {

bool is_set(json::Value filter, std::string_view key) {
  const auto value = filter.find(key);
  return value && value->is_boolean() && value->boolean();
}

bool watches(const std::vector<std::string>& uris, std::string_view uri) { return std::ranges::find(uris, uri) != uris.end(); }

}  // namespace

/// The session goes on for others: what nobody else of it watches is watched no longer.
StatelessBridge::Subscription::~Subscription() {
  std::erase(behind->subscriptions, this);
  behind->last_used = bridge.parts_.loop.now();
  const auto& others = behind->subscriptions;
  if (others.empty()) {
    behind->stream.cancel();
    behind->streaming = false;
  }
  if (!behind->link || !behind->link->alive()) return;
  for (const std::string& uri : uris) {
    if (std::ranges::none_of(others, [&](const Subscription* each) { return watches(each->uris, uri); }))
      bridge.tasks_.spawn(bridge.say_later(
          behind, Own::subscribe, mcp::resource_request(bridge.fresh_id(), mcp::MethodId::resources_unsubscribe, uri)));
  }
}

bool StatelessBridge::Subscription::take(std::string event) {
  // Small ones always have room, up to `max_queued` of them.
  const bool counted = bridge.parts_.room.count(part, waiting + event.size(), owner).has_value();
  if (!counted && event.size() > net::ReplyRoom::large) return false;
  waiting += event.size();
  events.push_back(std::move(event));
  wake.raise();
  return true;
}

net::Task<Forwarded> StatelessBridge::listen(Outbound out, Sink& sink) {
  const auto wanted = mcp::read_listen(*out.message);
  if (!wanted) co_return own_delivery(mcp::rpc_error(out.message->id_text, -32602, wanted.error().message), 400);
  auto behind = co_await session(*out.message, sink);
  if (!behind) co_return std::unexpected(bridge_failure(std::move(behind.error()), false));
  const json::Value filter = *out.message->params.find("notifications");
  Subscription subscription(*this, *behind);
  subscription.id = out.message->id_text;
  subscription.owner = &sink;
  subscription.tools = is_set(filter, "toolsListChanged");
  subscription.prompts = is_set(filter, "promptsListChanged");
  subscription.resources = is_set(filter, "resourcesListChanged");
  for (const mcp::Text& uri : wanted->uris) {
    subscription.uris.emplace_back(uri.view());
    co_await say_later(*behind, Own::subscribe,
                       mcp::resource_request(fresh_id(), mcp::MethodId::resources_subscribe, uri.view()));
  }
  if ((*behind)->link && (*behind)->link->has_stream() && !std::exchange((*behind)->streaming, true)) (*behind)->stream.spawn(read_stream(**behind));
  subscription.events.push_front(mcp::acknowledged(filter.text(), subscription.id));
  subscription.waiting += subscription.events.front().size();
  const std::shared_ptr<Link> link = (*behind)->link;
  while (link && link->alive()) {
    while (!subscription.events.empty()) {
      const std::string bytes = std::move(subscription.events.front());
      subscription.events.pop_front();
      json::Document document;
      const auto message = mcp::read_message(bytes, document, mcp::Direction::from_server, answer_limits);
      if (message && !co_await sink.event({.message = &*message, .bytes = bytes})) co_return std::unexpected(broken_off());
      subscription.waiting -= bytes.size();
      net::ServerRoom::keep(subscription.part, subscription.waiting);
    }
    // A child that ended wakes nobody.
    [[maybe_unused]] const bool told = co_await subscription.wake.wait(std::chrono::seconds(5));
  }
  co_return std::unexpected(bridge_failure({ErrorKind::closed, "the server's session is over: subscribe again", {}}));
}

/// A server over HTTP tells its news on a stream that has to be opened.
net::Task<void> StatelessBridge::read_stream(Behind& behind) {
  net::Duration pause = std::chrono::seconds(1);
  const std::shared_ptr<Link> link = behind.link;
  while (link->alive() && !behind.subscriptions.empty()) {
    auto permit = co_await parts_.permit(Own::subscribe);
    if (permit) {
      auto over = co_await link->forward(std::move(*permit), {.form = Form::open_stream, .time = parts_.start_time, .endless = true}, *behind.hearer);
      if (over && over->http_status == 405) break;  // it has none
    }
    co_await parts_.loop.sleep(pause);
    pause = std::min<net::Duration>(pause * 2, std::chrono::minutes(1));
  }
  if (behind.link == link) behind.streaming = false;
}

void StatelessBridge::tell(Behind& behind, const mcp::Message& notification) {
  using enum mcp::MethodId;
  const auto resource = notification.method_id == notifications_resources_updated ? mcp::read_resource_request(notification) : Result<mcp::ResourceRequest>{};
  for (Subscription* each : behind.subscriptions) {
    bool wanted = (notification.method_id == notifications_tools_list_changed && each->tools) || (notification.method_id == notifications_prompts_list_changed && each->prompts) ||
                  (notification.method_id == notifications_resources_list_changed && each->resources);
    if (notification.method_id == notifications_resources_updated && resource)
      wanted = std::ranges::any_of(each->uris, [&](const std::string& uri) { return mcp::is_under(resource->uri.view(), uri); });
    if (!wanted || each->events.size() >= max_queued) continue;
    if (each->take(mcp::tagged(notification, each->id)) || notification.method_id == notifications_resources_updated) continue;
    // That a list changed is known without the rest of what was said.
    json::Document document;
    const std::string text = mcp::plain_notification(notification.method_id);
    if (const auto plain = mcp::read_message(text, document, mcp::Direction::from_server)) each->take(mcp::tagged(*plain, each->id));
  }
}

}  // namespace callgate::upstream
