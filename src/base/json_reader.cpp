#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/json_scan.hpp"

namespace callgate::json {

namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// An integer literal (sign and digits, no leading zeros) in −2⁶³…2⁶⁴−1.
bool integer_in_range(std::string_view text) {
  const bool negative = text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.size() < 19) return true;
  const std::string_view bound = negative ? "9223372036854775808" : "18446744073709551615";
  if (text.size() != bound.size()) return text.size() < bound.size();
  return text <= bound;
}

/// A number with fraction or exponent that a double can hold without turning
/// into infinity or, from something else, into zero.
bool double_in_range(std::string_view text) {
  double value = 0;
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{};
}

}  // namespace

/// One pass over the text. Iterative: depth is bounded by the limit, not by the
/// machine's stack.
class Scanner {
 public:
  Scanner(std::string_view bytes, const Limits& limits, Document& document)
      : begin_(bytes.data()), p_(begin_), end_(begin_ + bytes.size()), limits_(limits), document_(document) {}

  Result<void> run() {
    skip_space();
    if (!value()) return std::unexpected(std::move(error_));
    while (!document_.frames_.empty()) {
      if (!step()) return std::unexpected(std::move(error_));
    }
    skip_space();
    if (p_ != end_) {
      stop(ErrorKind::malformed, "something follows the end of the JSON text");
      return std::unexpected(std::move(error_));
    }
    return {};
  }

 private:
  using Frame = Document::Frame;
  using KeyRef = Document::KeyRef;

  std::uint32_t at(const char* p) const { return static_cast<std::uint32_t>(p - begin_); }
  void skip_space() {
    while (p_ != end_ && is_space(*p_)) ++p_;
  }
  bool stop(ErrorKind kind, std::string message) {
    error_ = Error{kind, std::move(message), fmt::format("byte {}", p_ - begin_)};
    return false;
  }
  bool kept() const { return document_.frames_.size() <= limits_.keep_depth; }

  void leaf(const char* first, Kind kind, bool escaped) {
    if (!kept()) return;
    const auto index = static_cast<std::uint32_t>(document_.nodes_.size());
    document_.nodes_.push_back({.begin = at(first), .end = at(p_), .next = index + 1, .count = 0,
                                .kind = static_cast<std::uint32_t>(kind) & 0xfU, .escaped = escaped ? 1U : 0U});
  }

  bool value() {
    if (p_ == end_) return stop(ErrorKind::malformed, "the JSON text ends where a value should stand");
    const char* first = p_;
    switch (*p_) {
      case '{':
      case '[': return open();
      case '"': {
        bool escaped = false;
        if (!string(escaped)) return false;
        leaf(first, Kind::string, escaped);
        return true;
      }
      case 't': return word("true", Kind::boolean);
      case 'f': return word("false", Kind::boolean);
      case 'n': return word("null", Kind::null);
      default: return number();
    }
  }

  bool word(std::string_view text, Kind kind) {
    const char* first = p_;
    if (static_cast<std::size_t>(end_ - p_) < text.size() || std::memcmp(p_, text.data(), text.size()) != 0)
      return stop(ErrorKind::malformed, "not a JSON value");
    p_ += text.size();
    leaf(first, kind, false);
    return true;
  }

  bool open() {
    auto& frames = document_.frames_;
    if (frames.size() >= limits_.max_depth)
      return stop(ErrorKind::too_large, fmt::format("nested deeper than {} levels", limits_.max_depth));
    const bool object = *p_ == '{';
    const auto index = static_cast<std::uint32_t>(document_.nodes_.size());
    if (kept()) {
      const Kind kind = object ? Kind::object : Kind::array;
      document_.nodes_.push_back(
          {.begin = at(p_), .kind = static_cast<std::uint32_t>(kind) & 0xfU});
    }
    frames.push_back({.node = index, .first_key = static_cast<std::uint32_t>(document_.keys_.size()),
                      .decoded = static_cast<std::uint32_t>(document_.decoded_.size()), .count = 0, .object = object});
    ++p_;
    return true;
  }

  /// One member, element or closing bracket of the innermost container.
  bool step() {
    Frame& frame = document_.frames_.back();
    skip_space();
    if (p_ == end_) return stop(ErrorKind::malformed, "the JSON text ends inside an object or array");
    if (*p_ == (frame.object ? '}' : ']')) return close();
    if (frame.count != 0) {
      if (*p_ != ',') return stop(ErrorKind::malformed, "a `,` or the closing bracket is missing");
      ++p_;
      skip_space();
    }
    ++frame.count;
    if (frame.object && !key()) return false;
    return value();
  }

  bool close() {
    const Frame frame = document_.frames_.back();
    if (frame.object && frame.count > 1 && !keys_differ(frame)) return false;
    document_.frames_.pop_back();
    document_.keys_.resize(frame.first_key);
    document_.decoded_.resize(frame.decoded);
    ++p_;
    if (kept()) {
      Node& node = document_.nodes_[frame.node];
      node.end = at(p_);
      node.count = frame.count & 0x7ff'ffffU;
      node.next = static_cast<std::uint32_t>(document_.nodes_.size());
    }
    return true;
  }

  bool key() {
    if (p_ == end_ || *p_ != '"') return stop(ErrorKind::malformed, "a key in double quotes should stand here");
    if (++key_count_ > limits_.max_keys)
      return stop(ErrorKind::too_large, fmt::format("more than {} keys", limits_.max_keys));
    const char* first = p_;
    bool escaped = false;
    if (!string(escaped)) return false;
    remember_key(first + 1, p_ - 1, escaped);
    leaf(first, Kind::string, escaped);
    skip_space();
    if (p_ == end_ || *p_ != ':') return stop(ErrorKind::malformed, "a `:` should follow the key");
    ++p_;
    skip_space();
    return true;
  }

  void remember_key(const char* first, const char* last, bool escaped) {
    KeyRef ref{.begin = at(first), .size = static_cast<std::uint32_t>(last - first), .tag = 0, .decoded = 0};
    if (escaped) {
      ref.begin = static_cast<std::uint32_t>(document_.decoded_.size());
      append_unescaped(document_.decoded_, {first, last});
      ref.size = static_cast<std::uint32_t>(document_.decoded_.size()) - ref.begin;
      ref.decoded = 1;
    }
    const std::string_view text = key_text(ref);
    std::uint32_t head = 0;
    std::memcpy(&head, text.data(), std::min<std::size_t>(4, text.size()));
    ref.tag = head ^ (ref.size << 24U);
    if (!text.empty()) ref.tag ^= static_cast<std::uint32_t>(static_cast<unsigned char>(text.back())) << 16U;
    document_.keys_.push_back(ref);
  }

  std::string_view key_text(const KeyRef& ref) const {
    return ref.decoded != 0 ? std::string_view(document_.decoded_).substr(ref.begin, ref.size)
                            : std::string_view(begin_ + ref.begin, ref.size);
  }

  bool keys_differ(const Frame& frame) {
    const auto first = document_.keys_.begin() + frame.first_key;
    const auto last = document_.keys_.end();
    // Pairs are cheapest for the sizes that calls have; sorting bounds the work for the rest.
    if (last - first > 16) {
      std::sort(first, last, [this](const KeyRef& a, const KeyRef& b) {
        return a.tag != b.tag ? a.tag < b.tag : key_text(a) < key_text(b);
      });
      for (auto it = first; it + 1 != last; ++it) {
        if (it->tag == it[1].tag && key_text(*it) == key_text(it[1])) return duplicate(*it);
      }
      return true;
    }
    for (auto a = first; a != last; ++a) {
      for (auto b = a + 1; b != last; ++b) {
        if (a->tag == b->tag && key_text(*a) == key_text(*b)) return duplicate(*b);
      }
    }
    return true;
  }

  bool duplicate(const KeyRef& ref) {
    std::string_view text = key_text(ref);
    const bool cut = text.size() > 64;
    std::string shown = quoted(text.substr(0, 64));
    return stop(ErrorKind::invalid, fmt::format("duplicate key {}{}: every key may stand once", shown, cut ? "…" : ""));
  }

  /// A string with its quotes. UTF-8 was checked for the whole text before.
  bool string(bool& escaped) {
    ++p_;
    for (;;) {
      p_ = find_string_stop(p_, end_);
      if (p_ == end_) return stop(ErrorKind::malformed, "the JSON text ends inside a string");
      if (*p_ == '"') {
        ++p_;
        return true;
      }
      if (*p_ != '\\') return stop(ErrorKind::malformed, "a control character inside a string must be escaped");
      escaped = true;
      if (!escape()) return false;
    }
  }

  bool escape() {
    if (end_ - p_ < 2) return stop(ErrorKind::malformed, "the JSON text ends inside an escape");
    switch (p_[1]) {
      case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': p_ += 2; return true;
      case 'u': return unicode_escape();
      default: return stop(ErrorKind::malformed, "unknown escape in a string");
    }
  }

  bool unicode_escape() {
    const std::int32_t unit = end_ - p_ < 6 ? -1 : hex4(p_ + 2);
    if (unit < 0) return stop(ErrorKind::malformed, "`\\u` needs four hexadecimal digits");
    if (unit >= 0xdc00 && unit <= 0xdfff) return stop(ErrorKind::malformed, "a low surrogate stands alone");
    if (unit >= 0xd800 && unit <= 0xdbff) {
      const std::int32_t low = end_ - p_ < 12 || p_[6] != '\\' || p_[7] != 'u' ? -1 : hex4(p_ + 8);
      if (low < 0xdc00 || low > 0xdfff) return stop(ErrorKind::malformed, "a high surrogate stands alone");
      p_ += 6;
    }
    p_ += 6;
    return true;
  }

  bool digits() {
    if (p_ == end_ || !is_digit(*p_)) return stop(ErrorKind::malformed, "not a JSON value");
    while (p_ != end_ && is_digit(*p_)) ++p_;
    return true;
  }

  bool number() {
    const char* first = p_;
    bool integer = true;
    if (*p_ == '-') ++p_;
    if (p_ != end_ && *p_ == '0') {
      ++p_;
    } else if (!digits()) {
      return false;
    }
    if (p_ != end_ && *p_ == '.') {
      integer = false;
      ++p_;
      if (!digits()) return false;
    }
    if (p_ != end_ && (*p_ == 'e' || *p_ == 'E')) {
      integer = false;
      ++p_;
      if (p_ != end_ && (*p_ == '+' || *p_ == '-')) ++p_;
      if (!digits()) return false;
    }
    const std::string_view text(first, static_cast<std::size_t>(p_ - first));
    if (limits_.check_number_range && !(integer ? integer_in_range(text) : double_in_range(text))) {
      p_ = first;
      return stop(ErrorKind::invalid, integer ? "an integer outside −2^63…2^64−1: send it as a string"
                                              : "a number beyond double range: send it as a string");
    }
    leaf(first, Kind::number, false);
    return true;
  }

  const char* begin_;
  const char* p_;
  const char* end_;
  const Limits& limits_;
  Document& document_;
  std::uint32_t key_count_ = 0;
  Error error_;
};

Result<void> parse(std::string_view bytes, const Limits& limits, Document& document) {
  document.bytes_ = bytes;
  document.nodes_.clear();
  document.frames_.clear();
  document.keys_.clear();
  document.decoded_.clear();
  if (bytes.size() > std::numeric_limits<std::uint32_t>::max() / 2)
    return fail(ErrorKind::too_large, "the JSON text is longer than 2 GiB");
  if (bytes.starts_with("\xef\xbb\xbf"))
    return fail(ErrorKind::malformed, "the JSON text starts with a byte order mark: send UTF-8 without one", "byte 0");
  if (!simdjson::validate_utf8(bytes.data(), bytes.size()))
    return fail(ErrorKind::malformed, "the JSON text is not valid UTF-8");
  return Scanner(bytes, limits, document).run();
}

Result<std::unique_ptr<OwnedDocument>> OwnedDocument::parse(std::string bytes, const Limits& limits) {
  auto owned = std::make_unique<OwnedDocument>();
  owned->bytes_ = std::move(bytes);
  if (auto parsed = json::parse(owned->bytes_, limits, owned->document_); !parsed)
    return std::unexpected(std::move(parsed.error()));
  return owned;
}

}  // namespace callgate::json
