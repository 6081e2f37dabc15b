#include "net/post_once.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "net/http_client.hpp"

namespace callgate::net {
namespace {

Task<Result<Posted>> exchange(HttpClient& client, const Post& post, Instant until) {
  const auto left = [&] { return std::max<Duration>(until - Loop::read_clock(), std::chrono::milliseconds(1)); };
  auto sent = co_await client.send("POST", post.headers, post.body, left());
  if (!sent) co_return std::unexpected(sent.error().error);
  Posted posted{.status = (*sent)->status()};
  if (posted.status != 200) co_return posted;
  const auto answer = co_await (*sent)->whole(post.max_answer, left());
  if (!answer) co_return std::unexpected(answer.error());
  posted.body = std::string(*answer);
  co_return posted;
}

Task<void> ask(HttpClient& client, const Post& post, std::optional<Result<Posted>>& out) {
  out = co_await exchange(client, post, Loop::read_clock() + post.patience);
  client.loop().stop();
}

}  // namespace

Result<Posted> post_once(const Post& post, const std::stop_token& stop) {
  std::shared_ptr<TlsClient> tls;
  if (post.url.tls) {
    auto made = TlsClient::make({});
    if (!made) return std::unexpected(made.error());
    tls = std::move(*made);
  }
  Loop loop;
  HttpClient client(loop, post.url, std::move(tls), {});
  std::optional<Result<Posted>> answer;
  // Whoever stops it is another thread: the loop hears it through its inbox.
  const std::stop_callback stopping(stop, [&loop, inbox = loop.inbox()] { inbox->post([&loop] { loop.stop(); }); });
  TaskGroup tasks;
  tasks.spawn(ask(client, post, answer));
  if (!answer) loop.run();
  tasks.cancel();
  if (!answer) return fail(ErrorKind::closed, "it was not waited for: the gateway ends");
  return std::move(*answer);
}

}  // namespace callgate::net
