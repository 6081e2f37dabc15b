#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "child.hpp"
#include "clock.hpp"
#include "http_reader.hpp"
#include "json_cursor.hpp"
#include "loads.hpp"
#include "process_tree.hpp"

namespace callgate::bench {
namespace {

/// One session over one connection, one step after another, as a client does
/// that meets a gateway for the first time.
class FirstClient {
 public:
  explicit FirstClient(const Flags& flags) : flags_(flags), url_(Url::parse(flags.text("url"))), workload_(flags) {}
  ~FirstClient() {
    if (fd_ >= 0) close(fd_);
  }
  FirstClient(const FirstClient&) = delete;
  FirstClient& operator=(const FirstClient&) = delete;

  bool connect() { return (fd_ = url_.dial()) >= 0; }

  /// True when a call came back right; `why()` tells what went wrong else.
  bool call_once() {
    if (!post(workload_.handshake(Kind::initialize, now_ns()), {})) return false;
    const std::string session = reader_.message().session;
    return post(workload_.handshake(Kind::initialized, now_ns()), session) && post(workload_.next(now_ns()), session) &&
           workload_.tally().answered + workload_.tally().denied == 1;
  }
  [[nodiscard]] const std::string& why() const { return why_.empty() ? workload_.tally().last_fault : why_; }

 private:
  bool post(const Request& request, const std::string& session) {
    std::string body;
    workload_.write_body(request, body);
    const std::string text = fmt::format("{}{}\r\n\r\n{}", request_start(url_, flags_, session), body.size(), body);
    if (send(fd_, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) return false;
    HttpReader::Found found = HttpReader::Found::more;
    while (found == HttpReader::Found::more) {
      const std::span<char> room = reader_.room();
      const ssize_t got = recv(fd_, room.data(), room.size(), 0);
      if (got <= 0) return false;
      reader_.filled(static_cast<std::size_t>(got));
      found = reader_.next();
    }
    const HttpMessage& answer = reader_.message();
    if (answer.status / 100 != 2) {
      why_ = fmt::format("status {}: {}", answer.status, answer.body.substr(0, 200));
      return false;
    }
    if (request.kind == Kind::initialized) return true;
    if (!answer.content_type.starts_with("text/event-stream")) return workload_.judge(answer.body, request, now_ns());
    for_each_event(answer.body, [&](std::string_view data) { workload_.judge(data, request, now_ns()); });
    return true;
  }

  const Flags& flags_;
  Url url_;
  Workload workload_;
  int fd_ = -1;
  HttpReader reader_{HttpReader::Side::responses};
  std::string why_;
};

}  // namespace

int run_start_up(const Flags& flags) {
  const std::uint64_t started = now_ns();
  Child child(flags.command(), Child::Pipes::none, flags.text("stderr", "/dev/null"));
  const std::uint64_t deadline = started + seconds_ns(flags.number("seconds", 60));
  std::string why = "nothing listens";
  while (now_ns() < deadline && !child.ended()) {
    FirstClient client(flags);
    if (client.connect() && client.call_once()) {
      const double ms = static_cast<double>(now_ns() - started) / 1e6;
      fmt::print("{{\"first_answer_ms\":{:.2f},\"tree\":{}}}\n", ms, process_tree(child.pid()).json());
      return 0;
    }
    if (!client.why().empty()) why = client.why();
    usleep(500);
  }
  fmt::print("{{\"failed\":{}}}\n", json_quoted(why));
  return 2;
}

}  // namespace callgate::bench
