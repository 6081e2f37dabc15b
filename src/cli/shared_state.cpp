#include "cli/shared_state.hpp"

#include <fstream>

#include <fmt/format.h>

#include "base/ids.hpp"
#include "base/random.hpp"
#include "cli/data_folder.hpp"

namespace callgate::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view effect_of_loss = "calls whose tools have limits or need an approval are refused until it can";

/// The name of the process before this one on the same folder; empty if there was none.
std::string last_name(const fs::path& file) {
  std::string name;
  std::getline(std::ifstream(file), name);
  return name.size() == 16 && name.find_first_not_of("0123456789abcdef") == std::string::npos ? name : std::string();
}

net::RedisPlace place_of(const config::SharedState& state) {
  return {.host = state.host, .port = state.port, .database = state.database, .user = state.user, .password = state.password};
}

}  // namespace

Result<std::unique_ptr<SharedState>> SharedState::open(net::Loop& loop, const Clock& clock, Log& log, Metrics& metrics, const config::SharedState& place, const fs::path& folder,
                                                        store::Store& store, approval::MakeId make_id) {
  if (auto made = make_private_folder(folder); !made) return std::unexpected(made.error());
  const fs::path file = folder / "shared-name";
  limits::RedisCounters::Options options{.gateway = random_hex(8), .predecessor = last_name(file)};
  const fs::path fresh = file.string() + ".new";
  const bool written = static_cast<bool>(std::ofstream(fresh) << options.gateway << '\n' << std::flush);
  std::error_code fault;
  fs::rename(fresh, file, fault);
  if (!written || fault) return fail(ErrorKind::unavailable, fmt::format("`{}` cannot be written", file.string()));
  std::unique_ptr<SharedState> shared(new SharedState(loop, clock, log, metrics, place, std::move(options), store, std::move(make_id)));
  shared->start(fmt::format("{}:{}/{}", place.host, place.port, place.database));
  return shared;
}

SharedState::SharedState(net::Loop& loop, const Clock& clock, Log& log, Metrics& metrics, const config::SharedState& place, limits::RedisCounters::Options options, store::Store& store,
                         approval::MakeId make_id)
    : log_(log),
      client_(loop, place_of(place)),
      feed_(client_),
      counters_(client_, options),
      questions_(client_, feed_, std::move(make_id), {.gateway = options.gateway}),
      sessions_(client_, feed_),
      rounds_(client_, clock),
      grants_(client_, feed_, store),
      peers_(client_, log, metrics, {.gateway = options.gateway}) {}

void SharedState::start(const std::string& where) {
  counters_.on_change([this](const Result<void>& counts) {
    if (counts) log_.info("limits_counted_again");
    else log_.error("limits_cannot_be_counted", {{"fault", counts.error().message}, {"effect", effect_of_loss}});
  });
  client_.start([this, where](const Result<void>& there) {
    if (there) log_.info("shared_state_reached", {{"server", where}});
    else log_.error("shared_state_not_reached", {{"server", where}, {"fault", there.error().message}, {"effect", effect_of_loss}});
  });
  tasks_.spawn(counters_.keep_alive());
  tasks_.spawn(questions_.keep_places());
  tasks_.spawn(sessions_.keep_going());
  tasks_.spawn(grants_.keep_going());
  tasks_.spawn(feed_.keep_looking());
}

net::Task<void> SharedState::leave() {
  co_await questions_.settled(client_.answer_within());
  co_await sessions_.settled(client_.answer_within());
  co_await peers_.leave();
  co_await counters_.leave();
}

}  // namespace callgate::cli
