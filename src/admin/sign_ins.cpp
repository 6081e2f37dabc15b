#include "admin/sign_ins.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/random.hpp"
#include "base/sha256.hpp"

namespace callgate::admin {

bool SignIns::wrong_token(BootTime now) {
  while (!failed_.empty() && failed_.front() + window <= now) failed_.pop_front();
  if (failed_.size() >= failures) return false;
  failed_.push_back(now);
  return true;
}

std::string SignIns::begin(BootTime now) {
  std::erase_if(by_hash_, [now](const auto& each) { return each.second.until <= now; });
  if (by_hash_.size() >= most)
    by_hash_.erase(std::ranges::min_element(by_hash_, {}, [](const auto& each) { return each.second.until; }));
  std::string cookie = random_token(32);
  SignIn& made = by_hash_[sha256_hex(cookie)];
  made.until = now + lasts;
  random_bytes(made.key);
  return cookie;
}

const SignIns::SignIn* SignIns::find(std::string_view cookie, BootTime now) {
  const auto found = by_hash_.find(sha256_hex(cookie));
  return found == by_hash_.end() || found->second.until <= now ? nullptr : &found->second;
}

std::optional<std::string> SignIns::proof(std::string_view cookie, std::string_view question, std::string_view args_digest, BootTime now) {
  const SignIn* found = find(cookie, now);
  if (found == nullptr) return std::nullopt;
  // Lengths first: no two pairs of texts make the same whole.
  const std::string what = fmt::format("{}:{}{}:{}", question.size(), question, args_digest.size(), args_digest);
  return hex(HmacSha256(found->key).of(what));
}

}  // namespace callgate::admin
