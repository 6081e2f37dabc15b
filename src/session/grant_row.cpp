#include "session/grant_row.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include <fmt/format.h>

namespace callgate::session {
namespace {

std::int64_t changed_ms(const store::Grant& grant) { return std::max(grant.created_ms, grant.rotated_ms.value_or(0)); }

std::string optional_text(const std::optional<std::int64_t>& number) { return number ? std::to_string(*number) : std::string(); }

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  return fault == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// Texts that stand with their lengths; empty where they do not.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const auto size = number_of(text.substr(0, colon));
    if (colon == std::string_view::npos || !size || *size < 0 || static_cast<std::size_t>(*size) > text.size() - colon - 1) return {};
    parts.push_back(text.substr(colon + 1, static_cast<std::size_t>(*size)));
    text.remove_prefix(colon + 1 + static_cast<std::size_t>(*size));
  }
  return parts;
}

bool read_hash(std::string_view digits, store::TokenHash& hash) {
  if (digits.size() != 2 * hash.size()) return false;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const auto [end, fault] = std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2, hash[i], 16);
    if (fault != std::errc() || end != digits.data() + 2 * i + 2) return false;
  }
  return true;
}

}  // namespace

std::string row_text(const store::Grant& grant) {
  std::string out = fmt::format("{} {} ", grant.revoked_ms ? 1 : 0, changed_ms(grant));
  for (const std::string& part : {grant.id, grant.name, grant.server, grant.policy, hex(grant.token_hash), std::to_string(grant.created_ms),
                                  optional_text(grant.expires_ms), optional_text(grant.rotated_ms), optional_text(grant.revoked_ms)})
    out += fmt::format("{}:{}", part.size(), part);
  return out;
}

std::optional<store::Grant> read_row(std::string_view text) {
  const std::size_t space = text.find(' ', text.find(' ') + 1);
  if (space == std::string_view::npos) return std::nullopt;
  const auto parts = split(text.substr(space + 1));
  if (parts.size() != 9) return std::nullopt;
  store::Grant grant{.id = std::string(parts[0]), .name = std::string(parts[1]), .server = std::string(parts[2]), .policy = std::string(parts[3])};
  const auto created = number_of(parts[5]);
  if (grant.id.empty() || !created || !read_hash(parts[4], grant.token_hash)) return std::nullopt;
  grant.created_ms = *created;
  grant.expires_ms = number_of(parts[6]);
  grant.rotated_ms = number_of(parts[7]);
  grant.revoked_ms = number_of(parts[8]);
  // What ends a grant must not be lost to a text that cannot be read.
  const bool whole = (parts[6].empty() || grant.expires_ms) && (parts[7].empty() || grant.rotated_ms) && (parts[8].empty() || grant.revoked_ms);
  return whole ? std::optional(std::move(grant)) : std::nullopt;
}

bool overrules(const store::Grant& one, const store::Grant& other) {
  if (other.revoked_ms) return false;
  return one.revoked_ms || changed_ms(one) > changed_ms(other);
}

bool same_but_name(store::Grant one, const store::Grant& other) {
  one.name = other.name;
  return one == other;
}

}  // namespace callgate::session
