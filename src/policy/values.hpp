#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/yaml.hpp"
#include "policy/report.hpp"

/// Values of a policy file, each read one way only. Every function reports what
/// it cannot read, with what to write instead, and returns nothing then.
namespace callgate::policy {

/// One of `words`.
std::optional<std::string_view> read_word(const yaml::Member& member, std::span<const std::string_view> words, Report& report);

/// `true` or `false`, without quotes.
std::optional<bool> read_boolean(const yaml::Member& member, Report& report);

/// A whole number from 0 to `most`, without quotes.
std::optional<std::uint64_t> read_count(const yaml::Member& member, std::uint64_t most, Report& report);

/// Whole seconds as in `60`, or `30s`, `5m`, `1h`, `1d`; at least one second, at most `longest`.
std::optional<std::chrono::seconds> read_duration(const yaml::Member& member, std::chrono::seconds longest, Report& report);

/// One line of text; line feeds at its end (of a block) do not count.
std::optional<std::string> read_sentence(const yaml::Member& member, Report& report);

/// Text that is not empty.
std::optional<std::string> read_text(const yaml::Member& member, Report& report);

/// Reports anything but a mapping; `holds` says what should stand in it.
bool is_mapping(const yaml::Node& node, std::string_view key, std::string_view holds, Report& report);

}  // namespace callgate::policy
