#pragma once

#include <string>
#include <string_view>

namespace callgate::limits {

/// The text that counters stand under, in two parts: a limit's id without its
/// max. A limit whose max was changed so goes on with the calls of before, and
/// limits of one rule that differ in max alone count together.
struct CounterName {
  std::string_view rule;
  std::string_view rest;  ///< window and per

  std::string text() const { return std::string(rule) + std::string(rest); }
  bool operator==(const CounterName&) const = default;
};

inline constexpr std::string_view max_part = " max=";

/// Of `/tools/x max=10 window=60s per=session`: `/tools/x` and ` window=60s per=session`.
inline CounterName counter_name(std::string_view id) {
  // From the end: the pointer in front may hold any text.
  const std::size_t at = id.rfind(max_part);
  if (at == std::string_view::npos) return {id, {}};
  const std::size_t end = id.find(' ', at + 1);
  return {id.substr(0, at), end == std::string_view::npos ? std::string_view() : id.substr(end)};
}

/// Whether that is the name of a limit's id, for ids that a policy wrote.
inline bool is_counted_as(std::string_view id, const CounterName& name) {
  if (id.size() < name.rule.size() + name.rest.size() || !id.starts_with(name.rule) || !id.ends_with(name.rest)) return false;
  id.remove_prefix(name.rule.size());
  id.remove_suffix(name.rest.size());
  return id.empty() || (id.starts_with(max_part) && id.find(' ', 1) == std::string_view::npos);
}

}  // namespace callgate::limits
