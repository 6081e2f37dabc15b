#include "session/shared_rounds.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace callgate::session {
namespace {

std::int64_t number(std::string_view text) {
  std::int64_t value = -1;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  return fault == std::errc() && end == text.data() + text.size() ? value : -1;
}

}  // namespace

SharedRounds::SharedRounds(net::RedisClient& client, const Clock& clock, const Options& options)
    : clock_(clock),
      functions_(client, names_.text),
      keys_({fmt::format("{}{{rounds}}:{}", options.prefix, round_key_form)}),
      lasts_(std::to_string(net::RedisTime::microseconds(options.lasts))) {}

net::Task<SharedRounds::Items> SharedRounds::run(std::string_view function, const RoundKey& key,
                                                 std::vector<std::string> args) {
  net::RedisCall call{.function = function, .keys = keys_, .args = {lasts_, key.server, key.digest}};
  std::ranges::move(args, std::back_inserter(call.args));
  return functions_.run(std::move(call));
}

net::Task<bool> SharedRounds::expect(RoundKey key, CallSoFar so_far) {
  const auto age = std::to_string(net::RedisTime::microseconds(clock_.now() - so_far.began));
  return noted(run(names_.expect, key,
                   {std::to_string(most_of_server), age, "rounds", std::to_string(so_far.rounds), "counted",
                    so_far.counted ? "1" : "0", "covered", so_far.covered, "approval", so_far.approval}));
}

net::Task<bool> SharedRounds::noted(net::Task<Items> expecting) {
  const auto said = co_await expecting;
  co_return said.has_value();
}

net::Task<std::optional<CallSoFar>> SharedRounds::finish(net::Task<Items> finding) {
  const auto said = co_await finding;
  if (!said || said->size() != 3) co_return std::nullopt;
  const std::int64_t age = number((*said)[1].text);
  CallSoFar so_far;
  const auto& fields = (*said)[2].items;
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    const std::string& name = fields[i].text;
    const std::string& text = fields[i + 1].text;
    if (name == "rounds") so_far.rounds = static_cast<std::size_t>(std::max<std::int64_t>(number(text), 0));
    if (name == "counted") so_far.counted = text == "1";
    if (name == "covered") so_far.covered = text;
    if (name == "approval") so_far.approval = text;
  }
  if (age < 0 || so_far.rounds < 1) co_return std::nullopt;
  so_far.began = clock_.now() - std::chrono::microseconds(age);
  if (!may_go_on(so_far, clock_.now())) co_return std::nullopt;
  co_return so_far;
}

}  // namespace callgate::session
