#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "base/ascii_case.hpp"
#include "base/json.hpp"
#include "base/json_change.hpp"
#include "base/json_scan.hpp"
#include "base/letters.hpp"
#include "base/utf8.hpp"

namespace callgate::json {

namespace {

/// Values that one text may leave nodes of. They take more memory than the shortest values take bytes; a text of
/// 4 MiB, the most that a request has, can hardly hold so many, and answers are looked at by their envelope.
constexpr std::size_t most_values = std::size_t{1} << 21U;

/// No text is longer than 2 GiB, and no key in it.
constexpr std::uint32_t most_of_a_key = 0x7fff'ffff;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// An integer literal (sign and digits, no leading zeros) in −2⁶³…2⁶⁴−1.
bool integer_in_range(std::string_view text) {
  const bool negative = text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.size() < 19) return true;
  const std::string_view bound = negative ? "9223372036854775808" : "18446744073709551615";
  if (text.size() != bound.size()) return text.size() < bound.size();
  return text <= bound;
}

/// Without an exponent, a number of fewer characters is between 10⁻³⁰⁰ and 10³⁰⁰, or zero: no need to read it.
constexpr std::size_t few_digits = 300;

/// A number with fraction or exponent that a double can hold without turning
/// into infinity or, from something else, into zero.
bool double_in_range(std::string_view text) {
  double value = 0;
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{};
}

}  // namespace

/// One pass over the text. Iterative: depth is bounded by the limit, not by the
/// machine's stack. The reading functions take where they start and return where
/// they ended, or null where they stopped.
class Scanner {
 public:
  Scanner(std::string_view bytes, const Limits& limits, Document& document)
      : begin_(bytes.data()), end_(begin_ + bytes.size()), limits_(limits), document_(document) {}

  Result<void> run() {
    const char* p = value(skip_space(begin_));
    while (p != nullptr && !document_.frames_.empty()) p = inside(p);
    if (p != nullptr) {
      p = skip_space(p);
      if (p == end_) return {};
      stop(p, ErrorKind::malformed, "something follows the end of the JSON text");
    }
    return std::unexpected(std::move(error_));
  }

  /// What `change` makes, without a reading.
  static Pile<Node>& refill(Document& document, std::string_view bytes) {
    document.bytes_ = bytes;
    document.nodes_.clear();
    document.escaped_keys_ = true;
    return document.nodes_;
  }

 private:
  using Frame = Document::Frame;
  using KeyRef = Document::KeyRef;

  std::uint32_t at(const char* p) const { return static_cast<std::uint32_t>(p - begin_); }
  /// Most texts of calls have none between their values.
  [[gnu::always_inline]] const char* skip_space(const char* p) const {
    if (p != end_ && static_cast<unsigned char>(*p) > ' ') [[likely]] return p;
    return skip_more_space(p);
  }
  [[gnu::noinline]] const char* skip_more_space(const char* p) const {
    while (p != end_ && is_space(*p)) ++p;
    return p;
  }
  // Failing is apart, so that the paths above it need no room for texts.
  [[gnu::cold, gnu::noinline]] const char* stop(const char* p, ErrorKind kind, std::string_view message) {
    error_ = Error{kind, std::string(message), fmt::format("byte {}", p - begin_)};
    return nullptr;
  }
  [[gnu::cold, gnu::noinline]] const char* too_deep(const char* p) {
    return stop(p, ErrorKind::too_large, fmt::format("nested deeper than {} levels", limits_.max_depth));
  }
  [[gnu::cold, gnu::noinline]] const char* too_many_keys(const char* p) {
    return stop(p, ErrorKind::too_large, fmt::format("more than {} keys", limits_.max_keys));
  }
  [[gnu::cold, gnu::noinline]] const char* too_many_values(const char* p) {
    return stop(p, ErrorKind::too_large, fmt::format("more than {} values", most_values));
  }

  [[gnu::always_inline]] const char* leaf(const char* first, const char* last, Kind kind, bool escaped) {
    if (kept_) {
      if (document_.nodes_.size() >= most_values) [[unlikely]] return too_many_values(first);
      const auto index = static_cast<std::uint32_t>(document_.nodes_.size());
      document_.nodes_.push({.begin = at(first), .end = at(last), .next = index + 1, .count = 0,
                             .kind = static_cast<std::uint32_t>(kind) & 0xfU, .escaped = escaped ? 1U : 0U});
    }
    return last;
  }

  const char* value(const char* p) {
    return p != end_ && opens(*p) ? open(p) : simple_value(p);
  }

  static bool opens(char c) { return c == '{' || c == '['; }

  /// One without values in it.
  [[gnu::always_inline]] const char* simple_value(const char* p) {
    if (p == end_) [[unlikely]] return stop(p, ErrorKind::malformed, "the JSON text ends where a value should stand");
    switch (*p) {
      case '"': {
        bool escaped = false;
        const char* last = string(p, escaped);
        return last == nullptr ? nullptr : leaf(p, last, Kind::string, escaped);
      }
      case 't': return word(p, "true", Kind::boolean);
      case 'f': return word(p, "false", Kind::boolean);
      case 'n': return word(p, "null", Kind::null);
      default: return number(p);
    }
  }

  const char* word(const char* p, std::string_view text, Kind kind) {
    if (!std::string_view(p, end_).starts_with(text)) return stop(p, ErrorKind::malformed, "not a JSON value");
    return leaf(p, p + text.size(), kind, false);
  }

  const char* open(const char* p) {
    auto& frames = document_.frames_;
    if (frames.size() >= limits_.max_depth) return too_deep(p);
    const bool object = *p == '{';
    const auto index = static_cast<std::uint32_t>(document_.nodes_.size());
    if (kept_) {
      if (index >= most_values) [[unlikely]] return too_many_values(p);
      const Kind kind = object ? Kind::object : Kind::array;
      document_.nodes_.push({.begin = at(p), .kind = static_cast<std::uint32_t>(kind) & 0xfU});
    }
    frames.push({.node = index, .first_key = static_cast<std::uint32_t>(document_.keys_.size()),
                 .decoded = static_cast<std::uint32_t>(document_.decoded_.size()), .count = 0, .object = object});
    kept_ = frames.size() <= limits_.keep_depth;
    return p + 1;
  }

  /// Members or elements of the innermost container, up to its closing bracket or to one that opens.
  const char* inside(const char* p) {
    Frame& frame = document_.frames_.back();
    const bool object = frame.object;
    const char closing = object ? '}' : ']';
    for (;;) {
      p = skip_space(p);
      if (p == end_) [[unlikely]] return stop(p, ErrorKind::malformed, "the JSON text ends inside an object or array");
      if (*p == closing) return close(p, frame);
      if (frame.count != 0) {
        if (*p != ',') [[unlikely]] return stop(p, ErrorKind::malformed, "a `,` or the closing bracket is missing");
        p = skip_space(p + 1);
      }
      ++frame.count;
      if (object && (p = key(p)) == nullptr) [[unlikely]] return nullptr;
      if (p != end_ && opens(*p)) return open(p);
      if ((p = simple_value(p)) == nullptr) [[unlikely]] return nullptr;
    }
  }

  const char* close(const char* p, const Frame& frame) {
    if (frame.object && frame.count > 1 && !keys_differ(p, document_.keys_.from(frame.first_key))) return nullptr;
    document_.keys_.cut_to(frame.first_key);
    if (document_.decoded_.size() != frame.decoded) document_.decoded_.resize(frame.decoded);
    document_.frames_.cut_to(document_.frames_.size() - 1);
    kept_ = document_.frames_.size() <= limits_.keep_depth;
    if (kept_) {
      Node& node = document_.nodes_[frame.node];
      node.end = at(p + 1);
      node.count = frame.count & 0x7ff'ffffU;
      node.next = static_cast<std::uint32_t>(document_.nodes_.size());
    }
    return p + 1;
  }

  const char* key(const char* first) {
    if (first == end_ || *first != '"') [[unlikely]] return stop(first, ErrorKind::malformed, "a key in double quotes should stand here");
    if (++key_count_ > limits_.max_keys) return too_many_keys(first);
    bool escaped = false;
    const char* last = string(first, escaped);
    if (last == nullptr) return nullptr;
    remember_key(first + 1, last - 1, escaped);
    const char* p = leaf(first, last, Kind::string, escaped);
    if (p == nullptr) return nullptr;
    if (p == end_ || *p != ':') [[unlikely]] {
      p = skip_space(p);
      if (p == end_ || *p != ':') return stop(p, ErrorKind::malformed, "a `:` should follow the key");
    }
    return skip_space(p + 1);
  }

  void remember_key(const char* first, const char* last, bool escaped) {
    KeyRef ref{.begin = at(first), .tag = 0, .size = static_cast<std::uint32_t>(last - first) & most_of_a_key, .decoded = 0};
    if (escaped) {
      ref.begin = static_cast<std::uint32_t>(document_.decoded_.size());
      append_unescaped(document_.decoded_, {first, last});
      ref.size = (static_cast<std::uint32_t>(document_.decoded_.size()) - ref.begin) & most_of_a_key;
      ref.decoded = 1;
      document_.escaped_keys_ = true;
    }
    const std::string_view text = key_text(ref);
    ref.tag = tag_of(text);
    document_.keys_.push(ref);
    if (may_be_reserved(text)) [[unlikely]] note_reserved(first - 1, text);
  }

  /// Whether the first four bytes are those of the prefix in whatever case. Of few other names they are.
  static bool may_be_reserved(std::string_view key) {
    if (key.size() < reserved_prefix.size()) return false;
    constexpr std::uint32_t lower_case = 0x20202020;
    std::uint32_t head = 0;
    std::uint32_t ours = 0;
    std::memcpy(&head, key.data(), sizeof head);
    std::memcpy(&ours, reserved_prefix.data(), sizeof ours);
    return (head | lower_case) == (ours | lower_case);
  }

  [[gnu::cold, gnu::noinline]] void note_reserved(const char* quote, std::string_view key) {
    const bool ours = ascii::equal(key.substr(0, reserved_prefix.size()), reserved_prefix);
    if (ours && !document_.reserved_key_) document_.reserved_key_ = static_cast<std::size_t>(quote - begin_);
  }

  /// Cheap digest: the first four bytes, the last one and the length.
  static std::uint32_t tag_of(std::string_view text) {
    if (text.empty()) return 0;
    std::uint32_t head = 0;
    if (text.size() >= 4) {
      std::memcpy(&head, text.data(), 4);
    } else {
      for (const char c : text) head = head << 8U | static_cast<unsigned char>(c);
    }
    return head ^ static_cast<std::uint32_t>(text.size()) << 24U ^ static_cast<std::uint32_t>(static_cast<unsigned char>(text.back())) << 16U;
  }

  std::string_view key_text(const KeyRef& ref) const {
    return ref.decoded != 0 ? std::string_view(document_.decoded_).substr(ref.begin, ref.size)
                            : std::string_view(begin_ + ref.begin, ref.size);
  }

  bool keys_differ(const char* p, std::span<KeyRef> keys) {
    // Pairs are cheapest for the sizes that calls have; sorting bounds the work for the rest.
    if (keys.size() > 16) {
      std::ranges::sort(keys, [this](const KeyRef& a, const KeyRef& b) {
        return a.tag != b.tag ? a.tag < b.tag : key_text(a) < key_text(b);
      });
      for (std::size_t i = 1; i < keys.size(); ++i) {
        if (keys[i].tag == keys[i - 1].tag && key_text(keys[i]) == key_text(keys[i - 1])) return duplicate(p, keys[i]);
      }
      return true;
    }
    if (tags_differ(keys)) [[likely]] return true;
    for (std::size_t a = 0; a < keys.size(); ++a) {
      for (std::size_t b = a + 1; b < keys.size(); ++b) {
        if (keys[a].tag == keys[b].tag && key_text(keys[a]) == key_text(keys[b])) return duplicate(p, keys[b]);
      }
    }
    return true;
  }

  /// Each tag sets one bit of 64. Where none was set before, no two are alike.
  static bool tags_differ(std::span<const KeyRef> keys) {
    std::uint64_t seen = 0;
    for (const KeyRef& key : keys) {
      const std::uint64_t bit = std::uint64_t{1} << (key.tag * 0x9e3779b1U >> 26U);  // Fibonacci hashing: the upper bits are mixed best
      if ((seen & bit) != 0) return false;
      seen |= bit;
    }
    return true;
  }

  [[gnu::cold, gnu::noinline]] bool duplicate(const char* p, const KeyRef& ref) {
    std::string_view text = key_text(ref);
    const bool cut = text.size() > 64;
    std::string shown = quoted(text.substr(0, 64));
    stop(p, ErrorKind::invalid, fmt::format("duplicate key {}{}: every key may stand once", shown, cut ? "…" : ""));
    return false;
  }

  /// A string with its quotes. UTF-8 was checked for the whole text before.
  [[gnu::always_inline]] const char* string(const char* p, bool& escaped) {
    p = find_string_stop(p + 1, end_);
    if (p != end_ && *p == '"') [[likely]] return p + 1;
    return rest_of_string(p, escaped);
  }

  const char* rest_of_string(const char* p, bool& escaped) {
    for (;; p = find_string_stop(p, end_)) {
      if (p == end_) return stop(p, ErrorKind::malformed, "the JSON text ends inside a string");
      if (*p == '"') return p + 1;
      if (*p != '\\') return stop(p, ErrorKind::malformed, "a control character inside a string must be escaped");
      escaped = true;
      p = escape(p);
      if (p == nullptr) return nullptr;
    }
  }

  const char* escape(const char* p) {
    if (end_ - p < 2) return stop(p, ErrorKind::malformed, "the JSON text ends inside an escape");
    switch (p[1]) {
      case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': return p + 2;
      case 'u': return unicode_escape(p);
      default: return stop(p, ErrorKind::malformed, "unknown escape in a string");
    }
  }

  const char* unicode_escape(const char* p) {
    const std::int32_t unit = end_ - p < 6 ? -1 : hex4(p + 2);
    if (unit < 0) return stop(p, ErrorKind::malformed, "`\\u` needs four hexadecimal digits");
    if (unit >= 0xdc00 && unit <= 0xdfff) return stop(p, ErrorKind::malformed, "a low surrogate stands alone");
    if (unit < 0xd800 || unit > 0xdbff) return p + 6;
    const std::int32_t low = end_ - p < 12 || p[6] != '\\' || p[7] != 'u' ? -1 : hex4(p + 8);
    if (low < 0xdc00 || low > 0xdfff) return stop(p, ErrorKind::malformed, "a high surrogate stands alone");
    return p + 12;
  }

  /// One or more digits.
  const char* digits(const char* p) {
    if (p == end_ || !is_digit(*p)) return stop(p, ErrorKind::malformed, "not a JSON value");
    while (p != end_ && is_digit(*p)) ++p;
    return p;
  }

  const char* number(const char* first) {
    const char* p = first;
    bool integer = true;
    if (*p == '-') ++p;
    if (p != end_ && *p == '0') {
      ++p;
    } else if (p = digits(p); p == nullptr) {
      return nullptr;
    }
    if (p != end_ && *p == '.') {
      integer = false;
      if (p = digits(p + 1); p == nullptr) return nullptr;
    }
    bool surely_in_range = p - first < static_cast<std::ptrdiff_t>(few_digits);
    if (p != end_ && (*p == 'e' || *p == 'E')) {
      integer = surely_in_range = false;
      ++p;
      if (p != end_ && (*p == '+' || *p == '-')) ++p;
      if (p = digits(p); p == nullptr) return nullptr;
    }
    const std::string_view text(first, p);
    if (limits_.check_number_range && !(integer ? integer_in_range(text) : surely_in_range || double_in_range(text)))
      return stop(first, ErrorKind::invalid, integer ? "an integer outside −2^63…2^64−1: send it as a string"
                                                     : "a number beyond double range: send it as a string");
    return leaf(first, p, Kind::number, false);
  }

  const char* begin_;
  const char* end_;
  const Limits& limits_;
  Document& document_;
  std::uint32_t key_count_ = 0;
  bool kept_ = true;  ///< values that stand where the reading is leave nodes
  Error error_;
};

Result<void> parse(std::string_view bytes, const Limits& limits, Document& document) {
  document.bytes_ = bytes;
  document.nodes_.clear();
  document.frames_.clear();
  document.keys_.clear();
  document.decoded_.clear();
  document.reserved_key_.reset();
  document.escaped_keys_ = false;
  if (bytes.size() > std::numeric_limits<std::uint32_t>::max() / 2)
    return fail(ErrorKind::too_large, "the JSON text is longer than 2 GiB");
  if (bytes.starts_with("\xef\xbb\xbf"))
    return fail(ErrorKind::malformed, "the JSON text starts with a byte order mark: send UTF-8 without one", "byte 0");
  if (!is_utf8(bytes)) return fail(ErrorKind::malformed, "the JSON text is not valid UTF-8");
  return Scanner(bytes, limits, document).run();
}

Pile<Node>& refill(Document& document, std::string_view bytes) { return Scanner::refill(document, bytes); }

Result<std::unique_ptr<OwnedDocument>> OwnedDocument::parse(std::string bytes, const Limits& limits) {
  auto owned = std::make_unique<OwnedDocument>();
  owned->bytes_ = std::move(bytes);
  if (auto parsed = json::parse(owned->bytes_, limits, owned->document_); !parsed)
    return std::unexpected(std::move(parsed.error()));
  return owned;
}

}  // namespace callgate::json
