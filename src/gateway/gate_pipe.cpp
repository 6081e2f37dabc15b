#include "gateway/gate_draft.hpp"
#include "mcp/sse.hpp"

namespace callgate::gateway {

namespace {

constexpr std::size_t max_piped = 100;  ///< messages of one pipe under way
constexpr std::size_t max_piped_bytes = std::size_t{256} << 20U;  ///< of all pipes together
constexpr net::Duration time_to_read = std::chrono::seconds(30);
constexpr net::Duration between_signs_of_life = std::chrono::seconds(20);
constexpr int signs_before_opening = 3;  ///< a pipe that is not initialized by then ends

/// The pipe as the place for what belongs to no request. Events of a server's own
/// stream are written anew: their ids are of a stream that this client cannot resume.
class PipeStream final : public ClientStream {
 public:
  explicit PipeStream(std::shared_ptr<QueuedStream> pipe) : pipe_(std::move(pipe)) {}
  bool push(std::string_view bytes, std::string_view /*raw*/) override { return bytes.empty() ? !pipe_->closed() : pipe_->push(bytes, {}); }
  void close() override { pipe_->close(); }
  net::Task<bool> passed() override { return pipe_->passed(); }

 private:
  std::shared_ptr<QueuedStream> pipe_;
};

/// The way back for one message that was posted: events on the pipe. Who does not
/// read them loses the pipe.
class PipeChannel final : public Channel {
 public:
  PipeChannel(net::Loop& loop, std::shared_ptr<QueuedStream> pipe, const mcp::Message& message)
      : loop_(loop), pipe_(std::move(pipe)), awaits_answer_(message.is_request()) {}
  net::Task<bool> event(std::string_view bytes, std::string_view /*raw*/) override {
    if (bytes.empty()) co_return !pipe_->closed();
    co_return co_await pipe_->send(bytes, time_to_read);
  }
  net::Task<bool> answer(std::string_view bytes, std::string_view /*raw*/, int /*status*/) override {
    if (!awaits_answer_) co_return true;
    const bool sent = co_await pipe_->send(bytes, time_to_read);
    if (!sent) pipe_->close();
    if (!sent || bytes.size() <= net::ReplyRoom::large) co_return sent;
    // What a large one takes up is given back once the client has it.
    answering_ = true;
    co_return co_await pipe_->passed();
  }
  net::Task<bool> accepted() override { co_return true; }
  net::Task<bool> ended() override { co_return true; }
  bool gone() const override { return pipe_->closed(); }
  bool answering() const override { return answering_; }
  bool takes_raw() const override { return false; }
  bool may_resume() const override { return false; }
  net::Task<void> until_gone() override { co_await loop_.sleep(net::Loop::forever); }

 private:
  net::Loop& loop_;
  std::shared_ptr<QueuedStream> pipe_;
  bool awaits_answer_;
  bool answering_ = false;  ///< it is in the pipe
};

net::Task<void> close_when_gone(Channel& channel, std::shared_ptr<QueuedStream> pipe) {
  co_await channel.until_gone();
  pipe->close();
}

/// Messages of a pipe under way, counted while they are.
class Counted {
 public:
  Counted(Totals& totals, Conversation& conversation, std::size_t bytes) : totals_(totals), conversation_(conversation), bytes_(bytes) {
    ++conversation.piped;
    conversation.piped_bytes += bytes;
    totals.piped_bytes += bytes;
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() {
    --conversation_.piped;
    conversation_.piped_bytes -= bytes_;
    totals_.piped_bytes -= bytes_;
  }

 private:
  Totals& totals_;
  Conversation& conversation_;
  std::size_t bytes_;
};

}  // namespace

Result<std::shared_ptr<Conversation>> Gate::open_pipe(const session::Caller& caller) {
  if (stopping_) return fail(ErrorKind::unavailable, "the gateway is stopping");
  if (const std::string_view full = no_room(caller.grant); !full.empty()) return fail(ErrorKind::unavailable, std::string(full));
  auto conversation = std::make_shared<Conversation>();
  conversation->session.grant = caller.grant;
  conversation->session.principal = caller.principal;
  conversation->session.grant_policy = caller.policy;
  conversation->session.revision = mcp::latest_legacy;
  conversation->last_used = parts_.loop.now();
  conversation->pipe = std::make_shared<QueuedStream>(parts_.loop);
  conversation->stream = std::make_shared<PipeStream>(conversation->pipe);
  sessions_.enter_new(conversation);
  return conversation;
}

net::Task<void> Gate::serve_pipe(std::shared_ptr<Conversation> conversation, Channel& channel, std::string first) {
  const Busy of_gate(busy_);
  const Busy of_conversation(conversation->busy);
  const std::shared_ptr<QueuedStream> pipe = conversation->pipe;
  pipe->push({}, first);
  pipe->open();
  {
    net::TaskGroup tasks;
    conversation->pipe_tasks = &tasks;
    tasks.spawn(close_when_gone(channel, pipe));
    tasks.spawn(keep_pipe_open(conversation));
    co_await pipe->write_to(channel);
    conversation->pipe_tasks = nullptr;
  }
  end_session(conversation);
}

net::Task<void> Gate::keep_pipe_open(std::shared_ptr<Conversation> conversation) {
  std::string comment;
  mcp::append_sse_comment(comment, "");
  for (int signs = 1;; ++signs) {
    co_await parts_.loop.sleep(between_signs_of_life);
    if (conversation->opening.empty() && signs >= signs_before_opening) co_return conversation->pipe->close();
    conversation->pipe->push({}, comment);
  }
}

bool Gate::take(const std::shared_ptr<Conversation>& conversation, std::unique_ptr<Piped> piped) {
  const std::size_t bytes = piped->memory();
  const bool full = conversation->piped >= max_piped || totals_.piped_bytes + bytes > max_piped_bytes ||
                    (conversation->piped > 0 && conversation->piped_bytes + bytes > 4 * parts_.config.limits.body);
  if (!full) tasks_.spawn(carry_piped(conversation, std::move(piped)));
  return !full;
}

net::Task<void> Gate::carry_piped(std::shared_ptr<Conversation> conversation, std::unique_ptr<Piped> piped) {
  {
    const Counted counted(totals_, *conversation, piped->memory());
    PipeChannel channel(parts_.loop, conversation->pipe, piped->message);
    co_await handle({.conversation = conversation, .message = piped->message, .revision = conversation->session.revision, .channel = channel});
  }
  // The stream of a gate that stops ends behind the last answer.
  if (stopping_ && conversation->piped == 0) conversation->pipe->close();
}

}  // namespace callgate::gateway
