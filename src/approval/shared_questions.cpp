#include "approval/shared_questions.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "approval/question_fields.hpp"

namespace callgate::approval {
namespace {

std::int64_t microseconds(net::Duration time) { return net::RedisTime::microseconds(time); }

/// So many places that may not even exist are given up on the server.
constexpr std::size_t most_unheard = 1'000;

Error unreadable() { return {ErrorKind::malformed, "the shared state gave an answer that cannot be read", {}}; }

/// What no server needs to be asked about.
Result<void> can_be_asked(const Question& question, const Limits& limits) {
  if (question.timeout < std::chrono::seconds(1)) return fail(ErrorKind::invalid, "an approval needs a timeout of at least 1 s");
  if (bytes_of(question) > 2 * limits.argument_bytes || question.arguments.size() > limits.argument_bytes) {
    return fail(ErrorKind::too_large, fmt::format("arguments over {} bytes cannot be shown to a person; send less", limits.argument_bytes));
  }
  return {};
}

}  // namespace

SharedQuestions::SharedQuestions(net::RedisClient& client, net::RedisFeed& feed, MakeId make_id, Options options, Limits limits)
    : functions_(client, names_.text),
      make_id_(std::move(make_id)),
      options_(std::move(options)),
      limits_(limits),
      keys_({fmt::format("{}{{approvals}}:{}", options_.prefix, key_form), feed.key()}),
      debts_(functions_, [this](net::RedisCall& call) {
        const auto stamped = stamp(latest_);
        std::ranges::copy(stamped, call.args.begin());
        call.args[4].clear();  // who let go is told whenever it gets there
      }) {
  feed.on("approval", {.heard = [this](std::string_view id) { look_at(id); },
                       .missed = [this](net::RedisFeed::Missed /*missed*/) { look_at_all(); }});
}

// Calling -------------------------------------------------------------------------

/// The arguments that every function takes first.
std::vector<std::string> SharedQuestions::stamp(Moment now) const {
  const Limits& l = limits_;
  std::string limits = fmt::format("{} {} {} {} {} {} {} {}", l.waiting_per_grant, l.waiting, l.calls_per_question, l.open_bytes, l.kept,
                                   l.kept_bytes, microseconds(l.kept_for), microseconds(l.yes_lasts));
  if (options_.time == Time::of_caller)
    return {std::to_string(microseconds(now.boot.time_since_epoch())), {}, std::to_string(now.wall_ms), std::move(limits), {}};
  const net::RedisClient& client = functions_.client();
  const net::Instant sent = client.loop().now();
  return {{}, time_.at_most(sent), {}, std::move(limits), time_.not_after(sent + client.answer_within())};
}

net::Task<Result<SharedQuestions::Said>> SharedQuestions::run(std::string_view function, Moment now, std::vector<std::string> args) {
  latest_ = now;
  debts_.settle();
  net::RedisCall call{.function = function, .keys = keys_, .args = stamp(now)};
  std::ranges::move(args, std::back_inserter(call.args));
  return read(functions_.client().loop().now(), functions_.run(std::move(call)));
}

net::Task<Result<SharedQuestions::Said>> SharedQuestions::read(net::Instant sent, net::Task<Result<net::RedisReply>> reply) {
  auto items = net::items_of(functions_.client(), co_await reply);
  if (!items) co_return std::unexpected(std::move(items.error()));
  if (items->size() < 2) co_return std::unexpected(unreadable());
  time_.answered(sent, functions_.client().loop().now(), (*items)[1].integer);
  if ((*items)[0].text == "late") co_return fail(ErrorKind::timeout, "the shared state was asked too late");
  co_return Said{.word = (*items)[0].text, .items = std::move(*items)};
}

// Asking --------------------------------------------------------------------------

net::Task<Result<Asked>> SharedQuestions::ask(Question question, Listener listener, Moment now) {
  using Answer = net::Task<Result<Asked>>;
  if (auto fits = can_be_asked(question, limits_); !fits) return Answer::ready(std::unexpected(fits.error()));
  std::string id = make_id_(now.wall_ms);
  if (id.empty()) return Answer::ready(fail(ErrorKind::internal, "no fresh id for an approval"));
  const std::uint64_t number = ++last_place_;
  const Binding& binding = question.binding;
  std::vector<std::string> args{std::move(id),
                                fmt::format("{}.{}", options_.gateway, number),
                                options_.gateway,
                                binding.grant + '\n' + binding.session,
                                digest_of(binding),
                                std::to_string(bytes_of(question)),
                                std::to_string(question.arguments.size()),
                                std::to_string(microseconds(question.timeout)),
                                question.back_to};
  append_fields(args, question);
  // From here on the place is held: whatever ends this, the server hears that it is free again.
  places_.emplace(number, Place{});
  return finish_ask(Waiter(*this, {}, number), std::move(listener), run(names_.ask, now, std::move(args)));
}

net::Task<Result<Asked>> SharedQuestions::finish_ask(Waiter waiter, Listener listener, net::Task<Result<Said>> asking) {
  auto said = co_await asking;
  if (!said) co_return std::unexpected(std::move(said.error()));
  if (said->word != "ok") co_return refusal(*said, waiter);
  auto approval = said->items.size() == 4 ? read_fields(said->items[2].text, said->items[3]) : std::nullopt;
  if (!approval) co_return std::unexpected(unreadable());
  if (approval->state == State::denied) {
    let_go(waiter);
    co_return Asked{.approval = std::move(*approval), .waiter = {}};
  }
  waiter.id_ = approval->id;
  // INVARIANT: no look at the feed came between: its answer follows this one on the same connection.
  if (const auto place = places_.find(waiter.number_); place != places_.end()) {
    place->second.id = approval->id;
    if (approval->state == State::waiting) place->second.listener = std::move(listener);
  }
  co_return Asked{.approval = std::move(*approval), .waiter = std::move(waiter)};
}

/// The server gave no place, so there is none to leave.
void SharedQuestions::let_go(Waiter& waiter) {
  places_.erase(waiter.number_);
  waiter.places_ = nullptr;
}

Result<Asked> SharedQuestions::refusal(const Said& said, Waiter& waiter) {
  let_go(waiter);
  if (said.word == "crowded")
    return fail(ErrorKind::refused, fmt::format("{} identical calls already wait for a person; wait for the answer", limits_.calls_per_question));
  if (said.word == "grant_full" && said.items.size() == 3)
    return fail(ErrorKind::refused, fmt::format("{} questions of this grant or session already wait for a person; wait for an answer", said.items[2].integer));
  if (said.word == "full") return fail(ErrorKind::refused, "too many questions already wait for a person; try again later");
  return std::unexpected(unreadable());
}

void SharedQuestions::leave(const std::string& id, std::uint64_t number, Leaving leaving) {
  if (places_.erase(number) == 0) return;
  // Calls that nobody could be asked about come as fast as agents make them: most of these were never heard of.
  if (id.empty() && debts_.size() >= most_unheard) return;
  std::vector<std::string> args(5);
  args.push_back(fmt::format("{}.{}", options_.gateway, number));
  args.emplace_back(leaving == Leaving::for_good ? "good" : leaving == Leaving::comes_back ? "round" : "return");
  debts_.owe({.function = names_.leave, .keys = keys_, .args = std::move(args)});
}

// Using and answering -------------------------------------------------------------

net::Task<Result<Approval>> SharedQuestions::use(Waiter& waiter, Binding binding, Moment now) {
  if (waiter.places_ != this) return net::Task<Result<Approval>>::ready(fail(ErrorKind::conflict, "this call holds no approval"));
  return finish_use(waiter, now, run(names_.use, now, {waiter.id(), digest_of(binding)}));
}

net::Task<Result<Approval>> SharedQuestions::finish_use(Waiter& waiter, Moment now, net::Task<Result<Said>> using_it) {
  auto said = co_await using_it;
  if (!said) co_return std::unexpected(std::move(said.error()));
  if (said->word == "none") co_return fail(ErrorKind::conflict, "this call holds no approval");
  if (said->word == "other") co_return fail(ErrorKind::conflict, "the call is no longer the one that was approved");
  if (said->word == "state" && said->items.size() == 3)
    co_return fail(ErrorKind::conflict, fmt::format("the approval is {}, not approved", said->items[2].text));
  auto used = said->word == "ok" && said->items.size() == 4 ? read_fields(said->items[2].text, said->items[3]) : std::nullopt;
  if (!used) co_return std::unexpected(unreadable());
  let_go(waiter);
  used->state = State::used;
  used->ended_at_ms = now.wall_ms;
  co_return std::move(*used);
}

net::Task<Result<Approval>> SharedQuestions::answer(std::string id, Answer answer, std::string by, std::string reason, Moment now) {
  std::vector<std::string> args{id, answer == Answer::yes ? "yes" : "no", std::move(by), std::move(reason)};
  return finish_answer(std::move(id), run(names_.answer, now, std::move(args)));
}

net::Task<Result<Approval>> SharedQuestions::finish_answer(std::string id, net::Task<Result<Said>> answering) {
  auto said = co_await answering;
  if (!said) co_return std::unexpected(std::move(said.error()));
  if (said->word == "none") co_return fail(ErrorKind::not_found, fmt::format("no approval `{}` is known here", id));
  if (said->word == "state" && said->items.size() == 3)
    co_return fail(ErrorKind::conflict, fmt::format("the approval no longer waits: it is {}", said->items[2].text));
  if (said->word == "self") co_return fail(ErrorKind::refused, "who asked may not answer; let somebody else decide");
  auto answered = said->word == "ok" && said->items.size() == 4 ? read_fields(said->items[2].text, said->items[3]) : std::nullopt;
  if (!answered) co_return std::unexpected(unreadable());
  co_return std::move(*answered);
}

}  // namespace callgate::approval
