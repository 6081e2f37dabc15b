#include "mcp/own_names.hpp"

#include <string>

#include "base/json.hpp"
#include "base/json_scan.hpp"
#include "mcp/ascii.hpp"

namespace callgate::mcp {

namespace {

constexpr std::string_view own_word = "dev.callgate";  ///< the slash may be escaped

/// Whether a name of ours may stand around `json[at]`, a full stop or a backslash: the word, or an escape for
/// a letter, `.` or `/`, which hardly any encoder writes.
bool is_suspicious(std::string_view json, std::size_t at) {
  if (json[at] == '.') return at >= 3 && starts_with_fold(json.substr(at - 3), own_word);
  const std::string_view escape = json.substr(at, 6);
  if (escape.size() < 6 || !escape.starts_with("\\u00")) return false;
  return (escape[4] >= '4' && escape[4] <= '7') || (escape[4] == '2' && (lower(escape[5]) == 'e' || lower(escape[5]) == 'f'));
}

/// This is what every answer is looked at with: sixteen bytes a step.
bool may_hold_one(std::string_view json) {
  std::size_t at = 0;
#if defined(__SSE2__)
  const __m128i stop = _mm_set1_epi8('.');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i upper = _mm_set1_epi8(0x20);
  const __m128i c = _mm_set1_epi8('c');
  const __m128i u = _mm_set1_epi8('u');
  for (; at + 17 <= json.size(); at += 16) {
    const __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i*>(json.data() + at));
    const __m128i next = _mm_loadu_si128(reinterpret_cast<const __m128i*>(json.data() + at + 1));
    // `.c` in whatever case, and `\u`: what else begins with either byte is frequent.
    const __m128i word = _mm_and_si128(_mm_cmpeq_epi8(chunk, stop), _mm_cmpeq_epi8(_mm_or_si128(next, upper), c));
    const __m128i escape = _mm_and_si128(_mm_cmpeq_epi8(chunk, backslash), _mm_cmpeq_epi8(next, u));
    auto mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(word, escape)));
    for (; mask != 0; mask &= mask - 1) {
      if (is_suspicious(json, at + static_cast<unsigned>(__builtin_ctz(mask)))) return true;
    }
  }
#endif
  for (; at < json.size(); ++at) {
    if ((json[at] == '.' || json[at] == '\\') && is_suspicious(json, at)) return true;
  }
  return false;
}

bool is_own(std::string_view raw) {
  if (!raw.contains('\\')) return starts_with_fold(raw, own_prefix);
  std::string name;
  json::append_unescaped(name, raw);
  return starts_with_fold(name, own_prefix);
}

/// Behind the closing quote of the string that begins at `at`.
std::size_t end_of_string(std::string_view json, std::size_t at) {
  const char* const end = json.data() + json.size();
  const char* p = json::find_string_stop(json.data() + at + 1, end);
  while (p != end && *p == '\\') p = json::find_string_stop(p + 2, end);
  return static_cast<std::size_t>(p - json.data()) + 1;
}

}  // namespace

std::optional<std::size_t> find_own_name(std::string_view json) {
  if (!may_hold_one(json)) return std::nullopt;
  for (std::size_t at = json.find('"'); at != std::string_view::npos;) {
    const std::size_t end = end_of_string(json, at);
    const std::size_t next = json.find_first_not_of(" \t\r\n", end);
    if (next == std::string_view::npos) return std::nullopt;
    if (json[next] == ':' && is_own(json.substr(at + 1, end - at - 2))) return at;
    at = json.find('"', next);
  }
  return std::nullopt;
}

}  // namespace callgate::mcp
