#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace callgate::bench {

/// A forward walk over JSON text that allocates nothing and looks at each byte
/// about once. It finds members; it does not prove the text well-formed. That is
/// enough here: the bench writes what it reads, and compares answers byte by byte.
class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  [[nodiscard]] bool failed() const { return failed_; }

  /// Calls `member(key)` for each member; it must consume the value by one of
  /// the functions below. The key is given as written, escapes untouched.
  template <class Member>
  void object(Member&& member) {
    if (!eat('{')) return fail();
    if (eat('}')) return;
    do {
      const std::string_view key = string();
      if (!eat(':')) return fail();
      member(key);
    } while (!failed_ && eat(','));
    if (!eat('}')) fail();
  }

  /// Calls `element(index)` for each element; it must consume the value.
  template <class Element>
  void array(Element&& element) {
    if (!eat('[')) return fail();
    if (eat(']')) return;
    std::size_t index = 0;
    do element(index++);
    while (!failed_ && eat(','));
    if (!eat(']')) fail();
  }

  /// The text between the quotes of a string, escapes untouched.
  std::string_view string() {
    if (!eat('"')) {
      fail();
      return {};
    }
    const char* first = at_;
    while (const auto* quote = static_cast<const char*>(std::memchr(at_, '"', left()))) {
      at_ = quote + 1;
      const char* slash = quote;
      while (slash > first && slash[-1] == '\\') --slash;
      if ((quote - slash) % 2 == 0) return {first, quote};
    }
    fail();
    return {};
  }

  /// The text of the next value, whatever it is, as written.
  std::string_view value() {
    skip_space();
    const char* first = at_;
    if (at_ == end_) {
      fail();
    } else if (*at_ == '"') {
      string();
    } else if (*at_ == '{' || *at_ == '[') {
      skip_nested();
    } else {
      while (at_ < end_ && std::strchr(",]} \n\r\t", *at_) == nullptr) ++at_;
    }
    return failed_ ? std::string_view{} : std::string_view{first, at_};
  }

  /// What stands next, without consuming it; NUL at the end.
  char peek() {
    skip_space();
    return at_ < end_ ? *at_ : '\0';
  }

 private:
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  void fail() { failed_ = true; }
  void skip_space() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool eat(char wanted) {
    skip_space();
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }
  void skip_nested() {
    for (int depth = 0; at_ < end_ && !failed_;) {
      const char c = *at_;
      if (c == '"') {
        string();
        continue;
      }
      ++at_;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return;
    }
    fail();
  }

  const char* at_;
  const char* end_;
  bool failed_ = false;
};

/// The value of one member of an object given as text; empty when absent.
inline std::string_view json_member(std::string_view object, std::string_view wanted) {
  std::string_view found;
  JsonCursor cursor(object);
  cursor.object([&](std::string_view key) {
    const std::string_view value = cursor.value();
    if (key == wanted) found = value;
  });
  return found;
}

inline std::string_view without_quotes(std::string_view value) {
  return value.size() >= 2 && value.front() == '"' ? value.substr(1, value.size() - 2) : std::string_view{};
}

inline void append_utf8(std::string& out, std::uint32_t c) {
  const auto byte = [&](std::uint32_t bits) { out += static_cast<char>(bits); };
  if (c < 0x80) return byte(c);
  if (c < 0x800) {
    byte(0xC0 | c >> 6);
  } else if (c < 0x10000) {
    byte(0xE0 | c >> 12);
    byte(0x80 | (c >> 6 & 0x3F));
  } else {
    byte(0xF0 | c >> 18);
    byte(0x80 | (c >> 12 & 0x3F));
    byte(0x80 | (c >> 6 & 0x3F));
  }
  byte(0x80 | (c & 0x3F));
}

/// The text that a JSON string means (RFC 8259 section 7).
inline std::string json_unescaped(std::string_view raw) {
  std::string out;
  const auto hex4 = [&](std::size_t at) {
    std::uint32_t code = 0;
    if (at + 4 <= raw.size()) std::from_chars(raw.data() + at, raw.data() + at + 4, code, 16);
    return code;
  };
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      out += raw[i];
      continue;
    }
    constexpr std::string_view letters = "bfnrt";
    constexpr std::string_view meanings = "\b\f\n\r\t";
    const char escape = raw[++i];
    if (const auto n = letters.find(escape); n != letters.npos) {
      out += meanings[n];
    } else if (escape == 'u') {
      std::uint32_t code = hex4(i + 1);
      i += 4;
      if (code >= 0xD800 && code < 0xDC00) {
        code = 0x10000 + ((code - 0xD800) << 10) + (hex4(i + 3) - 0xDC00);
        i += 6;
      }
      append_utf8(out, code);
    } else {
      out += escape;
    }
  }
  return out;
}

/// A JSON string, quotes included, that means `text`.
inline std::string json_quoted(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[static_cast<unsigned char>(c) & 15];
    } else {
      out += c;
    }
  }
  return out += '"';
}

}  // namespace callgate::bench
