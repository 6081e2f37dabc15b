#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The form of a journal line, shared by the one who writes and those who read.
namespace callgate::audit {

inline constexpr std::string_view first_prev = "0000000000000000000000000000000000000000000000000000000000000000";
/// How each line ends; `hash` is its last member and covers the bytes before
/// this tail plus the closing brace.
inline constexpr std::string_view hash_key = ",\"hash\":\"";
inline constexpr std::size_t hash_tail_size = hash_key.size() + 64 + 2;  ///< to the closing brace included

inline constexpr std::size_t max_text = 1024;   ///< bytes of one recorded text
inline constexpr std::size_t max_names = 64;    ///< recorded names of arguments
inline constexpr std::size_t max_line = 256 * 1024;  ///< longer ones were not written by us

/// A journal with a key signs its first batch and then every minute; a longer
/// stretch of records under no signature is none of its own.
inline constexpr std::chrono::milliseconds signed_within = std::chrono::minutes(3);

/// Unix time of `2026-11-23T05:35:13.123Z`; nothing for any other text.
std::optional<std::int64_t> wall_ms_of(std::string_view text);

/// `segment-00000001.jsonl`: names sort in the order of the chain.
std::string segment_name(std::uint64_t number);
/// The number in such a name; 0 for any other name.
std::uint64_t segment_number(std::string_view name);

/// Appends `text` as a JSON string, cut at `max_text` bytes (at a character).
void append_text(std::string& out, std::string_view text);

}  // namespace callgate::audit
