#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace callgate::schema {

/// A `pattern` of a schema, compiled: linear time in the text, whatever the
/// pattern (RE2, read as ECMA-262 where the two differ, see ecma.hpp). Searches
/// anywhere in the text, as JSON Schema says.
/// Threads: search() may be called from several threads.
class Pattern {
 public:
  /// Errors: `unsupported` with RE2's reason and what to write instead; look-around
  /// and back-references have no linear-time form.
  static Result<std::unique_ptr<Pattern>> compile(std::string_view text);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  bool search(std::string_view text) const;
  /// An estimate of what search() does at worst on `bytes` bytes, in steps of 64 automaton states looked at.
  std::size_t cost(std::size_t bytes) const;
  std::size_t states() const;  ///< size of the automaton
  const std::string& source() const { return source_; }

 private:
  struct Engine;
  Pattern(std::string source, std::unique_ptr<Engine> engine);
  std::string source_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace callgate::schema
