#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "net/redis_functions.hpp"

namespace callgate::net {

/// What changed on a shared server, told to every gateway in the order in which
/// it happened. Functions `say` a topic and a name; each gateway asks, five
/// times a second, what was said since. Nothing is lost while a connection is
/// lost: the server keeps the last 4096, and who missed more is told so.
/// Threads: the loop's.
class RedisFeed {
 public:
  enum class Missed : std::uint8_t {
    some,  ///< more was said than the server keeps
    all,   ///< the first look, or a server that forgot everything or was set back to an earlier copy
  };
  struct Topic {
    std::function<void(std::string_view name)> heard;
    std::function<void(Missed missed)> missed;  ///< look at everything again
  };
  static constexpr Duration between_looks = std::chrono::milliseconds(200);

  explicit RedisFeed(RedisClient& client, std::string_view prefix = "callgate:");
  RedisFeed(const RedisFeed&) = delete;
  RedisFeed& operator=(const RedisFeed&) = delete;

  /// The key that functions say to.
  const std::string& key() const { return key_; }
  /// Who listens outlives the feed's looks.
  void on(std::string topic, Topic heard) { topics_[std::move(topic)] = std::move(heard); }

  /// One look; false where the server could not be asked.
  Task<bool> look();
  /// Looks again and again; runs until it is cancelled.
  Task<void> keep_looking();

 private:
  struct Library {
    Library();
    std::string text;
    std::string since;
  };
  void tell(std::string_view said);

  const Library library_;
  RedisFunctions functions_;
  const std::string key_;
  std::string epoch_;  ///< names the server's memory: another one after it forgot
  std::string place_ = "0";
  std::string mark_;  ///< of what was said at that place
  std::map<std::string, Topic, std::less<>> topics_;
};

}  // namespace callgate::net
