#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/pile.hpp"

/// The strict JSON reader (RFC 8259). What it accepts has one meaning for every
/// conforming reader: UTF-8 without BOM, no lone surrogates, no duplicate keys
/// at any depth (compared after unescaping), no trailing data. It validates the
/// whole text in one pass and keeps spans into the caller's bytes; nothing is
/// copied or re-encoded, so what was judged can be sent on byte for byte.
///
/// Errors: `malformed` (not JSON), `invalid` (JSON that is refused here),
/// `too_large` (depth, keys); `where` names the byte.
/// Threads: values may be read from several threads, a Document is parsed into
/// by one at a time.
namespace callgate::json {

enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

struct Limits {
  std::uint32_t max_depth = 64;     ///< containers open at once
  std::uint32_t max_keys = 100'000; ///< object keys in the whole text
  /// Refuse integers outside −2⁶³…2⁶⁴−1 and numbers beyond double range:
  /// readers differ in them. On for requests, off for responses.
  bool check_number_range = true;
  /// Values nested deeper than this are checked but leave no nodes; a container
  /// at this depth reports size() but iterates as empty. Saves memory where
  /// only the envelope is looked at.
  std::uint32_t keep_depth = 0xffff'ffff;
};

struct Node {
  std::uint32_t begin = 0;  ///< byte offset of the first byte of the value
  std::uint32_t end = 0;    ///< one past its last byte
  std::uint32_t next = 0;   ///< index of the node after this subtree
  std::uint32_t count : 27 = 0;  ///< members of an object, elements of an array
  std::uint32_t kind : 4 = 0;
  std::uint32_t escaped : 1 = 0;  ///< a string with at least one backslash
};

/// Names of members that the gateway alone may write begin with this, in whatever case. The reader
/// tells where the first one stands, since it has every name in its hands; what that means is for others to say.
inline constexpr std::string_view reserved_prefix = "dev.callgate/";

class Document;
class Value;
class Members;
class Elements;
struct Member;

/// A value of a document; two words, cheap to copy, valid while the document
/// and its bytes live.
class Value {
 public:
  Value() = default;
  Value(const Document* document, std::uint32_t index) : document_(document), index_(index) {}

  Kind kind() const { return static_cast<Kind>(node().kind); }
  bool is_null() const { return kind() == Kind::null; }
  bool is_boolean() const { return kind() == Kind::boolean; }
  bool is_number() const { return kind() == Kind::number; }
  bool is_string() const { return kind() == Kind::string; }
  bool is_array() const { return kind() == Kind::array; }
  bool is_object() const { return kind() == Kind::object; }

  /// The source text of the value, quotes and brackets included.
  std::string_view text() const;
  /// Where that text starts in the document's bytes.
  std::size_t offset() const { return node().begin; }

  bool boolean() const;             ///< pre: is_boolean()
  bool has_escapes() const { return node().escaped != 0; }
  std::string_view raw_string() const;  ///< between the quotes, escapes as written; pre: is_string()
  std::string string() const;           ///< unescaped; pre: is_string()
  /// Unescaped, without a copy where nothing is escaped; else decoded into `scratch`.
  std::string_view string(std::string& scratch) const;
  bool equals(std::string_view text) const;  ///< is a string of exactly these (unescaped) bytes

  bool is_integer() const;  ///< a number written without fraction and exponent
  std::optional<std::int64_t> as_int64() const;  ///< an integer literal in range; else nothing

  std::size_t size() const { return node().count; }
  Members members() const;    ///< pre: is_object()
  Elements elements() const;  ///< pre: is_array()
  std::optional<Value> find(std::string_view key) const;  ///< nothing where absent or not an object

  explicit operator bool() const { return document_ != nullptr; }
  const Document& document() const { return *document_; }
  std::uint32_t index() const { return index_; }
  const Node& node() const;

 private:
  const Document* document_ = nullptr;
  std::uint32_t index_ = 0;
};

struct Member {
  Value key;  ///< always a string
  Value value;
};

/// The members of an object in the order of the text.
class Members {
 public:
  class Iterator {
   public:
    Iterator(const Document* document, std::uint32_t index) : document_(document), index_(index) {}
    Member operator*() const { return {Value(document_, index_), Value(document_, index_ + 1)}; }
    Iterator& operator++();
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const Document* document_;
    std::uint32_t index_;
  };
  Members(const Document* document, std::uint32_t first, std::uint32_t last)
      : document_(document), first_(first), last_(last) {}
  Iterator begin() const { return {document_, first_}; }
  Iterator end() const { return {document_, last_}; }

 private:
  const Document* document_;
  std::uint32_t first_;
  std::uint32_t last_;
};

class Elements {
 public:
  class Iterator {
   public:
    Iterator(const Document* document, std::uint32_t index) : document_(document), index_(index) {}
    Value operator*() const { return {document_, index_}; }
    Iterator& operator++();
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const Document* document_;
    std::uint32_t index_;
  };
  Elements(const Document* document, std::uint32_t first, std::uint32_t last)
      : document_(document), first_(first), last_(last) {}
  Iterator begin() const { return {document_, first_}; }
  Iterator end() const { return {document_, last_}; }

 private:
  const Document* document_;
  std::uint32_t first_;
  std::uint32_t last_;
};

/// One parsed text. Keeps its memory from parse to parse; not copyable, because
/// values point to it.
class Document {
 public:
  Document() = default;
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  Value root() const { return {this, 0}; }  ///< pre: the last parse succeeded
  std::string_view bytes() const { return bytes_; }
  std::span<const Node> nodes() const { return nodes_.view(); }
  /// Where the first key stands whose text begins with `reserved_prefix`, in whatever case and however it is
  /// escaped, at any depth, also below `keep_depth`. Pre: the last parse succeeded; `change` does not tell.
  std::optional<std::size_t> reserved_key() const { return reserved_key_; }
  /// False: no key of the text holds an escape, at any depth, also below `keep_depth`. `change` does not tell: true.
  bool may_have_escaped_keys() const { return escaped_keys_; }
  /// Bytes that it takes up beside the text: of many short values more than the text itself.
  std::size_t memory() const {
    return nodes_.size() * sizeof(Node) + frames_.capacity() * sizeof(Frame) + keys_.capacity() * sizeof(KeyRef) + decoded_.capacity();
  }

 private:
  friend class Scanner;
  friend Result<void> parse(std::string_view, const Limits&, Document&);
  struct KeyRef {
    std::uint32_t begin;
    std::uint32_t tag;          ///< cheap digest: unequal tags mean unequal keys
    std::uint32_t size : 31;
    std::uint32_t decoded : 1;  ///< the text stands in `decoded_`, not in the bytes
  };
  struct Frame {
    std::uint32_t node;       ///< index of the container's node; unused where it is not kept
    std::uint32_t first_key;  ///< where its keys start in `keys_`
    std::uint32_t decoded;    ///< size of `decoded_` when it opened
    std::uint32_t count;
    bool object;
  };
  std::string_view bytes_;
  Pile<Node> nodes_;
  Pile<Frame> frames_;
  Pile<KeyRef> keys_;  ///< keys of the objects that are open, innermost last
  std::string decoded_;       ///< unescaped texts of keys that hold escapes
  std::optional<std::size_t> reserved_key_;
  bool escaped_keys_ = false;
};

// Walking a document is the inner loop of every room above, so it is inline.

inline const Node& Value::node() const { return document_->nodes()[index_]; }

inline std::string_view Value::text() const {
  const Node& n = node();
  return {document_->bytes().data() + n.begin, n.end - n.begin};
}

inline std::string_view Value::raw_string() const {
  const Node& n = node();
  return {document_->bytes().data() + n.begin + 1, n.end - n.begin - 2};
}

inline Members Value::members() const { return {document_, index_ + 1, node().next}; }
inline Elements Value::elements() const { return {document_, index_ + 1, node().next}; }

inline Members::Iterator& Members::Iterator::operator++() {
  index_ = document_->nodes()[index_ + 1].next;
  return *this;
}

inline Elements::Iterator& Elements::Iterator::operator++() {
  index_ = document_->nodes()[index_].next;
  return *this;
}

/// Reads `bytes` into `document`. The bytes must outlive the document's values.
Result<void> parse(std::string_view bytes, const Limits& limits, Document& document);

/// Document and bytes in one, for texts that are kept.
class OwnedDocument {
 public:
  static Result<std::unique_ptr<OwnedDocument>> parse(std::string bytes, const Limits& limits = {});
  Value root() const { return document_.root(); }
  std::string_view bytes() const { return bytes_; }

 private:
  std::string bytes_;
  Document document_;
};

/// Appends `text` as a JSON string with quotes. Control characters, U+2028 and
/// U+2029 are escaped; invalid UTF-8 is replaced by U+FFFD.
void append_quoted(std::string& out, std::string_view text);
std::string quoted(std::string_view text);
/// The same with only the escapes that JSON demands. Pre: `text` is valid UTF-8.
void append_minimal(std::string& out, std::string_view text);

/// The unescaped form of a string's content (without quotes) that the reader accepted.
void append_unescaped(std::string& out, std::string_view raw);

/// Appends the canonical form: members sorted by key bytes, no white space,
/// minimal escapes, numbers as exact normal decimals (1, 1.0 and 1e0 are one).
/// Equal values have equal canonical forms and the other way round.
void append_canonical(std::string& out, Value value);

/// Takes the canonical form of a value in pieces, in their order.
class CanonicalReader {
 public:
  virtual ~CanonicalReader() = default;
  virtual void take(std::string_view piece) = 0;
};
/// The same form without putting it together: long texts come where they stand.
/// `scratch` holds the rest meanwhile; who keeps it keeps its memory.
void read_canonical(CanonicalReader& reader, std::string& scratch, Value value);

/// Equality of values as JSON Schema means it (numbers by value, order of members free).
bool equal(Value a, Value b);

}  // namespace callgate::json
