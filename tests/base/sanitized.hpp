#pragma once

/// Times that a test allows: sanitized code is several times slower, and what it
/// is for is not speed.
namespace callgate {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr int slower = 10;
#else
inline constexpr int slower = 1;
#endif
#else
inline constexpr int slower = 1;
#endif

}  // namespace callgate
