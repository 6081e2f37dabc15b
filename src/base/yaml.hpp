#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

/// A strict YAML tree for files that people write: every key and value knows
/// its place, nothing is converted in silence, and what readers of YAML disagree
/// on is refused: tags, merge keys, directives, a second document, duplicate
/// keys at any depth, control characters, other encodings than UTF-8.
/// Aliases are copied within a budget, so an alias bomb stays small.
/// Nothing here throws. Threads: values, no shared state.
namespace callgate::yaml {

/// A place in the text; line and column (in characters) count from 1.
struct Mark {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

/// `file:line:column`, as `Error::where` holds it.
std::string where(std::string_view file, Mark mark);

enum class Kind : std::uint8_t { null, scalar, sequence, mapping };

/// What a scalar is read as. Quoted ones and block scalars are always `text`.
enum class Type : std::uint8_t {
  null,     ///< nothing, `~`, `null`
  boolean,  ///< exactly `true` or `false`
  number,   ///< a number as JSON writes it; `text` keeps it exactly
  text,
  ambiguous,  ///< plain, and read differently by different readers: `no`, `On`, `0x1f`, `010`, `.5`, `1_000`, `1:30`, `Null`
};

struct Member;

struct Node {
  Kind kind = Kind::null;
  bool quoted = false;  ///< the scalar stood in quotes or in a block
  Mark mark;
  std::string text;             ///< of a scalar, as YAML unescapes it
  std::vector<Node> items;      ///< of a sequence
  std::vector<Member> members;  ///< of a mapping, in the order of the file, keys unique

  bool is_null() const { return kind == Kind::null; }
  bool is_scalar() const { return kind == Kind::scalar; }
  bool is_sequence() const { return kind == Kind::sequence; }
  bool is_mapping() const { return kind == Kind::mapping; }
  Type type() const;  ///< pre: null or scalar
  const Member* find(std::string_view key) const;  ///< null where absent or not a mapping; linear
};

struct Member {
  std::string key;
  Mark key_mark;
  Node value;
};

struct Limits {
  std::size_t max_bytes = std::size_t{4} << 20;
  std::size_t max_depth = 64;             ///< containers open at once
  std::size_t max_nodes = 400'000;        ///< in the finished tree
  std::size_t max_alias_nodes = 20'000;   ///< of those, made by copying for anchors and aliases
};

/// The tree and every fault found on the way. With faults the tree is what
/// could be read (of a duplicate key the first), for a caller that goes on
/// looking for more; nothing may be used of it then.
struct Parsed {
  std::optional<Node> root;  ///< nothing where the text is no YAML at all
  std::vector<Error> faults;
};

Parsed parse(std::string_view text, std::string_view file, const Limits& limits = {});

/// The subtree as JSON text. Ambiguous scalars are faults; numbers keep their
/// exact text, keys are always strings.
std::string to_json(const Node& node, std::string_view file, std::vector<Error>& faults);

/// The value that a JSON Pointer (RFC 6901) leads to below `node`; the deepest
/// one that exists where the path ends early.
const Node& at_pointer(const Node& node, std::string_view pointer);

/// How a value is called in messages: "a list", "a mapping", "`text`", "nothing".
std::string describe(const Node& node);

/// `text` in backticks for a message: cut to 60 characters, control characters shown as `?`.
std::string ticked(std::string_view text);

}  // namespace callgate::yaml
