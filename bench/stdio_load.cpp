#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <unordered_map>
#include <vector>

#include "child.hpp"
#include "clock.hpp"
#include "json_cursor.hpp"
#include "loads.hpp"
#include "report.hpp"

namespace callgate::bench {
namespace {

/// A stdio server or gateway as a child, with up to `window` calls in flight.
class StdioLoad {
 public:
  explicit StdioLoad(const Flags& flags)
      : flags_(flags),
        workload_(flags),
        schedule_(flags.number("rate", 0)),
        started_ns_(now_ns()),
        child_(flags.command(), Child::Pipes::stdio, flags.text("stderr", "/dev/null")),
        measurement_(child_.pid()) {
    fcntl(child_.to_child(), F_SETFL, O_NONBLOCK);
    fcntl(child_.from_child(), F_SETFL, O_NONBLOCK);
  }

  int run() {
    if (!shake_hands()) return failed();
    const double first_answer_ms = static_cast<double>(now_ns() - started_ns_) / 1e6;
    const ProcessTree idle = process_tree(child_.pid());
    if (!flags_.has("start-up")) {
      make_calls();
      const std::string result = measurement_.json(workload_, flags_.number("rate", 0), unserved_);
      fmt::print("{},\"first_answer_ms\":{:.2f}}}\n", result.substr(0, result.size() - 1), first_answer_ms);
    } else {
      fmt::print("{{\"first_answer_ms\":{:.2f},\"tree\":{}}}\n", first_answer_ms, idle.json());
    }
    return 0;
  }

 private:
  /// initialize, initialized and a first call, one at a time.
  bool shake_hands() {
    send(workload_.handshake(Kind::initialize, now_ns()));
    if (!settle(60)) return false;
    send(workload_.handshake(Kind::initialized, now_ns()));
    send(workload_.next(now_ns()));
    return settle(60);
  }

  void make_calls() {
    const std::size_t window = flags_.count("connections", 1);
    const std::uint64_t warm_ns = now_ns() + seconds_ns(flags_.number("warm-up", 0.5));
    schedule_.start(now_ns());
    std::uint64_t end_ns = ~std::uint64_t{0};
    for (std::uint64_t now = 0; !over_ && (now = now_ns()) < end_ns;) {
      if (!measurement_.running() && now >= warm_ns) {
        measurement_.start(workload_);
        schedule_.start(now_ns());
        end_ns = now_ns() + seconds_ns(flags_.number("seconds", 2));
      }
      const std::uint64_t due = now_ns();
      while (in_flight_.size() < window && schedule_.is_due(due)) send(workload_.next(schedule_.take(due)));
      exchange(schedule_.patience_ns(now_ns()));
    }
    unserved_ = schedule_.overdue(now_ns());
    measurement_.stop_sending();
    settle(5);
    for (std::size_t i = 0; i < in_flight_.size(); ++i) workload_.fault(&Tally::lost, "no answer in 5 s");
  }

  void send(const Request& request) {
    workload_.write_body(request, out_);
    out_ += '\n';
    if (request.kind != Kind::initialized) in_flight_.emplace(request.id, request);
  }

  /// Waits until nothing is in flight. False: the time is up, or the child gone.
  bool settle(double seconds) {
    const std::uint64_t deadline = now_ns() + seconds_ns(seconds);
    while (!in_flight_.empty() && !over_ && now_ns() < deadline) exchange(20'000'000);
    return in_flight_.empty();
  }

  void exchange(std::uint64_t patience_ns) {
    write_out();
    const bool more = !out_.empty();
    std::array<pollfd, 2> both{pollfd{.fd = child_.from_child(), .events = POLLIN},
                               pollfd{.fd = more ? child_.to_child() : -1, .events = POLLOUT}};
    const timespec patience{.tv_sec = 0, .tv_nsec = static_cast<long>(patience_ns)};
    if (ppoll(both.data(), both.size(), &patience, nullptr) > 0 && both[0].revents != 0) read_in();
  }

  void write_out() {
    std::size_t sent = 0;
    while (sent < out_.size() && !over_) {
      const ssize_t n = write(child_.to_child(), out_.data() + sent, out_.size() - sent);
      if (n < 0 && errno == EAGAIN) break;
      over_ = n < 0;
      if (n > 0) sent += static_cast<std::size_t>(n);
    }
    out_.erase(0, sent);
  }

  void read_in() {
    if (in_.size() - used_ < 64 * 1024) in_.resize(std::max(in_.size() * 2, std::size_t{256 * 1024}));
    const ssize_t got = read(child_.from_child(), in_.data() + used_, in_.size() - used_);
    if (got <= 0) {
      over_ = got == 0 || errno != EAGAIN;
      return;
    }
    std::size_t searched = used_;
    used_ += static_cast<std::size_t>(got);
    const std::string_view bytes(in_.data(), used_);
    std::size_t start = 0;
    for (std::size_t end; (end = bytes.find('\n', searched)) != bytes.npos; start = searched = end + 1) {
      judge(bytes.substr(start, end - start));
    }
    std::copy(in_.begin() + static_cast<std::ptrdiff_t>(start), in_.begin() + static_cast<std::ptrdiff_t>(used_),
              in_.begin());
    used_ -= start;
  }

  void judge(std::string_view line) {
    const std::string_view id = json_member(line, "id");
    std::uint64_t number = 0;
    std::from_chars(id.data(), id.data() + id.size(), number);
    const auto found = in_flight_.find(number);
    if (found == in_flight_.end()) {
      // Notifications and requests of the other side need no answer to be measured.
      if (json_member(line, "method").empty()) workload_.fault(&Tally::wrong_id, line);
    } else if (workload_.judge(line, found->second, now_ns())) {
      in_flight_.erase(found);
    }
  }

  int failed() const {
    fmt::print("{{\"failed\":{}}}\n", json_quoted(over_ ? "the command ended" : "no answer to the handshake"));
    return 2;
  }

  const Flags& flags_;
  Workload workload_;
  Schedule schedule_;
  std::uint64_t started_ns_;
  Child child_;
  Measurement measurement_;
  std::unordered_map<std::uint64_t, Request> in_flight_;
  std::string out_;
  std::vector<char> in_;
  std::size_t used_ = 0;
  std::uint64_t unserved_ = 0;
  bool over_ = false;
};

}  // namespace

int run_stdio(const Flags& flags) {
  std::signal(SIGPIPE, SIG_IGN);
  return StdioLoad(flags).run();
}

}  // namespace callgate::bench
