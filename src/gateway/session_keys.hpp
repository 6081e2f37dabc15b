#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/sha256.hpp"
#include "net/loop.hpp"

namespace callgate::gateway {

/// The keys that stateless requests bring in `Callgate-Session` (protocol item 24),
/// by grant. A key authenticates nothing and is another one under each grant.
/// Bounded: who brings ever new ones ends those of before. Threads: the loop's.
class SessionKeys {
 public:
  static constexpr std::size_t longest = 128;

  /// 1 to 128 visible ASCII characters.
  static bool is_key(std::string_view text) {
    return !text.empty() && text.size() <= longest && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
  }
  /// The name under which a key counts: the key cannot be told from it, nor is it that of a session.
  static std::string name_of(std::string_view grant, std::string_view key) {
    std::string text(grant);
    text += '\n';
    text += key;
    return "k-" + sha256_hex(text).substr(0, 24);
  }

  /// What one grant's key is called, and which keys are over by that.
  struct Used {
    std::string name;
    std::vector<std::string> over;
  };
  Used use(const std::string& grant, std::string_view key, net::Instant now, std::size_t most) {
    Used used{.name = name_of(grant, key)};
    auto& keys = grants_[grant];
    keys[used.name] = now;
    while (keys.size() > std::max<std::size_t>(most, 1)) {
      const auto oldest = std::ranges::min_element(keys, {}, [&](const auto& each) { return each.first == used.name ? net::Instant::max() : each.second; });
      used.over.push_back(oldest->first);
      keys.erase(oldest);
    }
    return used;
  }

  /// A key that nobody brought since then.
  struct Over {
    std::string grant;
    std::string name;
  };
  std::vector<Over> take_unused(net::Instant since) {
    std::vector<Over> over;
    for (auto& [grant, keys] : grants_) {
      for (const auto& [name, used] : keys) {
        if (used < since) over.push_back({.grant = grant, .name = name});
      }
      std::erase_if(keys, [since](const auto& each) { return each.second < since; });
    }
    std::erase_if(grants_, [](const auto& each) { return each.second.empty(); });
    return over;
  }

 private:
  std::map<std::string, std::map<std::string, net::Instant>> grants_;
};

}  // namespace callgate::gateway
