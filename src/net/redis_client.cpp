#include "net/redis_client.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>
#include <sys/socket.h>

namespace callgate::net {

namespace {

constexpr std::size_t most_waiting = 20'000;
constexpr std::size_t most_queued_bytes = std::size_t{16} << 20;
constexpr Duration first_pause = std::chrono::milliseconds(50);
constexpr Duration longest_pause = std::chrono::seconds(1);

/// The code that an error reply begins with: `WRONGPASS`, `NOAUTH`, `ERR`.
std::string_view first_word(std::string_view text) { return text.substr(0, std::min<std::size_t>(text.find(' '), 32)); }

}  // namespace

/// A command whose reply is waited for.
struct RedisClient::Asked {
  explicit Asked(RedisClient& client) : told(client.loop_), until(client.loop_.now() + client.place_.answer_within) {
    client.waiting_.push_back(this);
    place = &client.waiting_.back();
  }
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;
  ~Asked() {
    if (place != nullptr) *place = nullptr;
  }
  void tell(Result<RedisReply> what) {
    place = nullptr;
    reply.emplace(std::move(what));
    told.raise();
  }

  Signal told;
  Instant until;
  Asked** place;  ///< in `waiting_`, whose entries do not move while they are in it; null once told
  std::optional<Result<RedisReply>> reply;
};

RedisClient::~RedisClient() {
  tasks_.cancel();
  for (Asked* asked : waiting_) {
    if (asked != nullptr) asked->place = nullptr;
  }
}

void RedisClient::start(std::function<void(const Result<void>&)> on_change) {
  on_change_ = std::move(on_change);
  tasks_.spawn(live());
}

Result<void> RedisClient::health() const {
  if (state_ == State::there) return {};
  return std::unexpected(why_);
}

// Asking ------------------------------------------------------------------------

Task<Result<RedisReply>> RedisClient::ask(Words words) {
  using Answer = Task<Result<RedisReply>>;
  if (state_ == State::lost) return Answer::ready(std::unexpected(why_));
  if (waiting_.size() >= most_waiting || out_.size() >= most_queued_bytes)
    return Answer::ready(fail(ErrorKind::unavailable, "too many calls wait for the shared state"));
  append_redis_command(out_, words);
  queued_.raise();
  return answer(std::make_unique<Asked>(*this));
}

Task<Result<RedisReply>> RedisClient::answer(std::unique_ptr<Asked> asked) {
  if (!asked->reply) co_await asked->told.wait(asked->until - loop_.now());
  if (!asked->reply) {
    const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(place_.answer_within).count();
    lost({ErrorKind::timeout, fmt::format("the shared state did not answer within {} ms", limit), {}});
  }
  // Whoever loses the server tells all that wait, this one too.
  co_return std::move(*asked->reply);
}

/// The replies that have arrived, each to whom it belongs.
Result<void> RedisClient::deliver() {
  for (;;) {
    auto reply = replies_->next();
    if (!reply) return std::unexpected(std::move(reply.error()));
    if (!*reply) return {};
    if (waiting_.empty()) return fail(ErrorKind::malformed, "the server replied to nothing");
    Asked* const asked = waiting_.front();
    waiting_.pop_front();
    if (asked != nullptr) asked->tell(std::move(**reply));
  }
}

// The connection ----------------------------------------------------------------

void RedisClient::there(std::unique_ptr<Stream> stream) {
  stream_ = std::move(stream);
  replies_ = std::make_unique<RedisReplies>();
  const bool news = state_ == State::lost || !told_;
  state_ = State::there;
  told_ = true;
  if (!out_.empty()) queued_.raise();
  if (news && on_change_) on_change_({});
}

void RedisClient::refuse_all(const Error& why) {
  std::deque<Asked*> waiting;
  waiting.swap(waiting_);
  out_.clear();
  for (Asked* asked : waiting) {
    if (asked != nullptr) asked->tell(std::unexpected(why));
  }
}

/// From here on commands are refused at once, until the server is there again.
void RedisClient::lost(Error why) {
  const bool news = state_ != State::lost;
  state_ = State::lost;
  why_ = std::move(why);
  refuse_all(why_);
  // Wakes who reads from it.
  if (stream_) shutdown(stream_->descriptor().fd(), SHUT_RDWR);
  told_ = true;
  if (news && on_change_) on_change_(std::unexpected(why_));
}

/// What was sent may have been run: it is not sent again. What comes next waits
/// for a new connection.
void RedisClient::broke_off(Error why) {
  if (state_ != State::there) return;
  state_ = State::unknown;
  why_ = std::move(why);
  refuse_all(why_);
}

void RedisClient::renew(Error why) {
  if (state_ != State::there) return;
  broke_off(std::move(why));
  shutdown(stream_->descriptor().fd(), SHUT_RDWR);
}

Task<void> RedisClient::live() {
  for (Duration pause = first_pause;;) {
    const Instant began = loop_.now();
    auto stream = co_await open();
    if (stream) {
      there(std::move(*stream));
      co_await converse();
      stream_.reset();
    } else {
      lost(std::move(stream.error()));
    }
    // A server that takes connections and drops them is not asked without a pause.
    const bool lasted = loop_.now() - began > longest_pause;
    pause = lasted ? first_pause : std::min(pause * 2, longest_pause);
    if (!lasted || state_ == State::lost) co_await loop_.sleep(pause);
  }
}

Task<Result<std::unique_ptr<Stream>>> RedisClient::open() {
  const Instant until = loop_.now() + place_.answer_within;
  std::vector<Address> addresses;
  if (place_.host.starts_with('/')) {
    auto path = Address::unix_path(place_.host);
    if (!path) co_return std::unexpected(std::move(path.error()));
    addresses.push_back(*path);
  } else {
    auto found = co_await resolve(loop_, place_.host, place_.port, until);
    if (!found) co_return std::unexpected(std::move(found.error()));
    addresses = std::move(*found);
  }
  auto stream = co_await connect(loop_, std::move(addresses), until);
  if (!stream) co_return std::unexpected(std::move(stream.error()));
  auto known = co_await introduce(**stream, until);
  if (!known) co_return std::unexpected(std::move(known.error()));
  co_return std::move(*stream);
}

/// Who we are, which database, and that the server answers at all.
Task<Result<void>> RedisClient::introduce(Stream& stream, Instant until) {
  std::string out;
  std::size_t expected = 2;
  if (!place_.password.empty()) {
    ++expected;
    const std::array<std::string_view, 3> auth{"AUTH", place_.user, place_.password.reveal()};
    const std::array<std::string_view, 2> plain{"AUTH", place_.password.reveal()};
    append_redis_command(out, place_.user.empty() ? Words(plain) : Words(auth));
  }
  const std::string database = std::to_string(place_.database);
  append_redis_command(out, std::array<std::string_view, 2>{"SELECT", database});
  append_redis_command(out, std::array<std::string_view, 1>{"PING"});
  auto sent = co_await stream.write_all(out, {}, until - loop_.now(), until);
  if (!sent) co_return sent;

  RedisReplies replies;
  std::array<char, 4096> buffer{};
  while (expected > 0) {
    const Stream::Io io = stream.read_now(buffer);
    if (io.status == Stream::Status::would_block) {
      if (!co_await stream.readable(until - loop_.now())) co_return fail(ErrorKind::timeout, "the shared state does not answer");
      continue;
    }
    if (io.status != Stream::Status::done) co_return fail(ErrorKind::closed, "the shared state closed the connection");
    replies.feed(std::span(buffer).first(io.bytes));
    for (auto reply = replies.next(); expected > 0; reply = replies.next()) {
      if (!reply) co_return std::unexpected(std::move(reply.error()));
      if (!*reply) break;
      // Some servers repeat what they did not understand: the words of AUTH are a secret.
      if ((*reply)->is_error()) co_return fail(ErrorKind::refused, fmt::format("the shared state refused us: {}", first_word((*reply)->text)));
      --expected;
    }
  }
  co_return Result<void>{};
}

/// Until the connection is of no use any more.
Task<void> RedisClient::converse() {
  TaskGroup sender;
  sender.spawn(send_queued());
  std::array<char, 16384> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read into
  // INVARIANT: once the connection was left, no reply that still arrives on it meets a command of the next one.
  while (state_ == State::there) {
    const Stream::Io io = stream_->read_now(buffer);
    if (io.status == Stream::Status::would_block) {
      co_await stream_->readable(Loop::forever);  // who waits for a reply has a deadline
      continue;
    }
    if (io.status != Stream::Status::done) co_return broke_off({ErrorKind::closed, "the shared state closed the connection", {}});
    replies_->feed(std::span(buffer).first(io.bytes));
    if (auto done = deliver(); !done) co_return broke_off(std::move(done.error()));
  }
}

/// All commands of a turn in one write.
Task<void> RedisClient::send_queued() {
  for (;;) {
    co_await queued_.wait(Loop::forever);
    co_await loop_.turn_end();
    if (state_ != State::there) co_return;  // what is queued is for the next connection
    sending_.clear();
    sending_.swap(out_);
    if (sending_.empty()) continue;
    auto sent = co_await stream_->write_all(sending_, {}, place_.answer_within);
    if (!sent) co_return lost(std::move(sent.error()));
  }
}

}  // namespace callgate::net
