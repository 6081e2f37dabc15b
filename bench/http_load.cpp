#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>

#include "clock.hpp"
#include "http_reader.hpp"
#include "json_cursor.hpp"
#include "loads.hpp"
#include "report.hpp"

namespace callgate::bench {

namespace {

/// Many sessions over some connections, each with one call in flight, in one
/// thread. First every session is initialised, then calls are made.
class HttpLoad {
 public:
  explicit HttpLoad(const Flags& flags)
      : flags_(flags),
        url_(Url::parse(flags.text("url"))),
        workload_(flags),
        measurement_(static_cast<pid_t>(flags.count("watch", 0))),
        schedule_(flags.number("rate", 0)),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        connections_(flags.count("connections", 1)),
        sessions_(std::max(flags.count("sessions", 1), connections_.size())),
        calls_per_session_(flags.count("calls-per-session", 0)),
        enough_(flags.count("calls", ~std::size_t{0})) {}

  int run() {
    if (!connect_all() || !shake_hands()) return failed();
    const std::uint64_t warm_ns = now_ns() + seconds_ns(flags_.number("warm-up", 0.5));
    stage_ = Stage::calls;
    schedule_.start(now_ns());
    for (std::size_t i = 0; i < connections_.size(); ++i) idle_.push_back(i);
    std::uint64_t end_ns = ~std::uint64_t{0};
    for (std::uint64_t now = 0; (now = now_ns()) < end_ns && !gave_up() && workload_.tally().done() < enough_;) {
      if (!measurement_.running() && now >= warm_ns) {
        measurement_.start(workload_);
        schedule_.start(now_ns());
        end_ns = now_ns() + seconds_ns(flags_.number("seconds", 2));
      }
      send_due();
      wait_and_read(schedule_.patience_ns(now_ns()));
    }
    const std::uint64_t unserved = schedule_.overdue(now_ns());
    drain();
    fmt::print("{}\n", measurement_.json(workload_, flags_.number("rate", 0), unserved));
    return 0;
  }

 private:
  enum class Stage { handshakes, calls, draining };
  struct Session {
    std::string start;             ///< of each of its requests
    Kind next = Kind::initialize;  ///< `call` once it is ready
    std::size_t calls = 0;         ///< made so far, where it ends after some
  };
  struct Connection {
    int fd = -1;
    HttpReader reader{HttpReader::Side::responses};
    std::string out;
    std::size_t sent = 0;
    bool waits_to_write = false;
    bool busy = false;
    Request request;
    std::size_t session = 0;  ///< of the request in flight; its sessions are this one plus multiples of C
  };

  bool connect_all() {
    const Kind first = flags_.has("stateless") ? Kind::call : Kind::initialize;
    for (Session& session : sessions_) session = {.start = request_start(url_, flags_, {}), .next = first};
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      connections_[i].session = i;
      if (!dial(i)) return false;
    }
    return true;
  }

  bool dial(std::size_t index) {
    Connection& c = connections_[index];
    c.fd = url_.dial();
    if (c.fd < 0) return false;
    fcntl(c.fd, F_SETFL, O_NONBLOCK);
    c.reader = HttpReader(HttpReader::Side::responses);
    c.out.clear();
    c.sent = 0;
    watch(index, EPOLL_CTL_ADD, EPOLLIN);
    return true;
  }

  void watch(std::size_t index, int operation, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.u64 = index}};
    epoll_ctl(epoll_, operation, connections_[index].fd, &event);
    connections_[index].waits_to_write = (events & EPOLLOUT) != 0;
  }

  bool shake_hands() {
    const std::uint64_t deadline = now_ns() + seconds_ns(60);
    for (std::size_t i = 0; i < connections_.size(); ++i) next_handshake(i);
    while (ready_ < sessions_.size() && now_ns() < deadline && !faulty()) wait_and_read(20'000'000);
    return ready_ == sessions_.size() && !faulty();
  }

  /// Brings the connection's sessions to `call` one after another.
  void next_handshake(std::size_t index) {
    Connection& c = connections_[index];
    while (c.session < sessions_.size() && sessions_[c.session].next == Kind::call) {
      ++ready_;
      c.session += connections_.size();
    }
    if (c.session >= sessions_.size()) {
      c.session = index;
      return;
    }
    send(index, workload_.handshake(sessions_[c.session].next, now_ns()));
  }

  void send_due() {
    for (std::uint64_t now = now_ns(); !idle_.empty() && schedule_.is_due(now) && !gave_up();) {
      const std::size_t index = idle_.front();
      idle_.pop_front();
      Connection& c = connections_[index];
      c.session += connections_.size();
      if (c.session >= sessions_.size()) c.session = index;
      send(index, next_of(sessions_[c.session], schedule_.take(now)));
    }
  }

  /// Its next call; where sessions end after some, also the steps to the next session.
  Request next_of(Session& session, std::uint64_t due_ns) {
    if (session.next == Kind::call && (calls_per_session_ == 0 || session.calls++ < calls_per_session_)) return workload_.next(due_ns);
    if (session.next == Kind::call) session.next = Kind::leave;
    return workload_.handshake(session.next, due_ns);
  }

  void send(std::size_t index, const Request& request) {
    Connection& c = connections_[index];
    c.request = request;
    c.busy = true;
    if (c.fd < 0) {
      workload_.fault(&Tally::reconnects, "connection was closed between calls");
      if (!dial(index)) return lose(index, "cannot connect again");
    }
    body_.clear();
    workload_.write_body(request, body_);
    const std::string_view start = sessions_[c.session].start;
    if (request.kind == Kind::leave) {
      c.out += "DELETE";
      c.out += start.substr(std::string_view("POST").size());
    } else {
      c.out += start;
    }
    fmt::format_to(std::back_inserter(c.out), "{}\r\n", body_.size());
    workload_.write_headers(request, c.out);
    c.out += "\r\n";
    c.out += body_;
    flush(index);
  }

  void flush(std::size_t index) {
    Connection& c = connections_[index];
    while (c.sent < c.out.size()) {
      const ssize_t n = ::send(c.fd, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN) return lose(index, "connection broke while sending");
      if (n < 0) {
        if (!c.waits_to_write) watch(index, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        return;
      }
      c.sent += static_cast<std::size_t>(n);
    }
    c.out.clear();
    c.sent = 0;
    if (c.waits_to_write) watch(index, EPOLL_CTL_MOD, EPOLLIN);
  }

  void wait_and_read(std::uint64_t patience_ns) {
    std::array<epoll_event, 256> events{};
    const timespec patience{.tv_sec = 0, .tv_nsec = static_cast<long>(patience_ns)};
    const int ready = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &patience, nullptr);
    for (int i = 0; i < ready; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      const std::size_t index = event.data.u64;
      if ((event.events & EPOLLOUT) != 0) flush(index);
      if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0 && connections_[index].fd >= 0) read(index);
    }
  }

  void read(std::size_t index) {
    Connection& c = connections_[index];
    const std::span<char> room = c.reader.room();
    const ssize_t got = recv(c.fd, room.data(), room.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got > 0) c.reader.filled(static_cast<std::size_t>(got));
    const HttpReader::Found found = got > 0 ? c.reader.next() : c.reader.finish();
    if (found == HttpReader::Found::message) {
      if (!c.busy) return lose(index, "an answer that nobody asked for");
      const bool closes = got <= 0 || !c.reader.message().keep_alive;
      judge(c);
      if (closes) hang_up(c);
      finish(index);
    } else if (got <= 0 || found == HttpReader::Found::broken) {
      lose(index, "connection ended before the answer");
    }
  }

  void judge(Connection& c) {
    const HttpMessage& response = c.reader.message();
    const std::uint64_t now = now_ns();
    const bool success = response.status / 100 == 2;
    if (c.request.kind == Kind::initialized || c.request.kind == Kind::leave) {
      if (!success) workload_.fault(&Tally::http_errors, fmt::format("status {}", response.status));
    } else if (!success && c.request.kind != Kind::denied_call) {
      workload_.fault(&Tally::http_errors, fmt::format("status {}: {}", response.status, response.body.substr(0, 200)));
    } else if (response.content_type.starts_with("text/event-stream")) {
      bool answered = false;
      for_each_event(response.body, [&](std::string_view data) {
        if (!answered) answered = workload_.judge(data, c.request, now);
      });
      if (!answered) workload_.fault(&Tally::lost, "event stream without an answer");
    } else if (!workload_.judge(response.body, c.request, now)) {
      workload_.fault(&Tally::wrong_text, response.body);
    }
  }

  /// The request in flight has had its answer, or never will.
  void finish(std::size_t index) {
    Connection& c = connections_[index];
    c.busy = false;
    if (stage_ == Stage::handshakes && faulty()) return;
    go_on(sessions_[c.session], c);
    if (stage_ == Stage::handshakes) return next_handshake(index);
    if (stage_ == Stage::draining) return;
    idle_.push_back(index);
    send_due();
  }

  /// What the session does after the answer that came just now.
  void go_on(Session& session, Connection& c) {
    switch (c.request.kind) {
      case Kind::initialize:
        session.start = request_start(url_, flags_, c.reader.message().session);
        session.next = Kind::initialized;
        return;
      case Kind::initialized: session.next = Kind::call; return;
      case Kind::leave:
        session = {.start = request_start(url_, flags_, {})};
        workload_.left();
        return;
      default: return;
    }
  }

  void lose(std::size_t index, std::string_view why) {
    Connection& c = connections_[index];
    hang_up(c);
    if (!c.busy) return;
    c.busy = false;
    workload_.fault(&Tally::lost, why);
    // Not by finish(): a gateway that refuses every connection must not recurse.
    if (stage_ == Stage::calls) idle_.push_back(index);
  }

  static void hang_up(Connection& c) {
    if (c.fd >= 0) close(c.fd);
    c.fd = -1;
    c.waits_to_write = false;
  }

  void drain() {
    stage_ = Stage::draining;
    measurement_.stop_sending();
    const std::uint64_t deadline = now_ns() + seconds_ns(5);
    const auto is_busy = [](const Connection& c) { return c.busy; };
    while (now_ns() < deadline && std::ranges::any_of(connections_, is_busy)) wait_and_read(20'000'000);
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      if (connections_[i].busy) lose(i, "no answer in 5 s");
    }
  }

  [[nodiscard]] bool faulty() const {
    const Tally& t = workload_.tally();
    return t.http_errors + t.rpc_errors + t.lost + t.wrong_id > 0;
  }
  /// A gateway that fails this often is not worth more seconds.
  [[nodiscard]] bool gave_up() const { return workload_.tally().lost > 1000; }

  int failed() const {
    const std::string why = workload_.tally().last_fault;
    fmt::print(R"({{"failed":{},"ready_sessions":{}}})", json_quoted(why.empty() ? "cannot connect" : why), ready_);
    fmt::print("\n");
    return 2;
  }

  const Flags& flags_;
  Url url_;
  Workload workload_;
  Measurement measurement_;
  Schedule schedule_;
  Stage stage_ = Stage::handshakes;
  int epoll_;
  std::vector<Connection> connections_;
  std::vector<Session> sessions_;
  std::size_t calls_per_session_;  ///< 0: sessions do not end
  std::uint64_t enough_;           ///< calls until the end, whatever the time
  std::size_t ready_ = 0;
  std::deque<std::size_t> idle_;
  std::string body_;
};

}  // namespace

int run_http(const Flags& flags) { return HttpLoad(flags).run(); }

}  // namespace callgate::bench
