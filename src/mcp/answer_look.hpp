#pragma once

#include <cstdint>
#include <string_view>

#include "mcp/message.hpp"

/// What one reading of an answer showed, for those behind who would read it once
/// more only to look. Pure; any thread.
namespace callgate::mcp {

/// Where a value stands in the bytes that were read.
struct Place {
  std::uint32_t at = 0;
  std::uint32_t size = 0;

  std::string_view in(std::string_view bytes) const { return bytes.substr(at, size); }
};

/// A value: places are those of the very bytes that were read, and of no others.
struct AnswerLook {
  bool is_error = false;     ///< a JSON-RPC error, or a result with `isError`
  bool may_go_on = true;     ///< it may ask for input, name a state, begin a task or say what one failed of: whoever cares for that reads it
  bool known = false;        ///< false: nothing below says anything
  bool needs_input = false;  ///< `resultType` is `input_required`
  bool has_type = false;     ///< `resultType`
  bool has_ttl = false;      ///< `ttlMs`
  bool has_scope = false;    ///< `cacheScope`
  bool has_members = false;  ///< the result is not empty
  Place id;
  Place result;  ///< size 0 in an error
  Place code;    ///< of an error
  std::int64_t code_number = 0;
};

/// Pre: `answer` is a response, read to the members of its result at least.
AnswerLook look_at(const Message& answer);

/// The same look at bytes in which another id stands, of that size.
AnswerLook with_id_of(AnswerLook look, std::size_t id_size);

/// What holds of the answer in any other form as well.
AnswerLook without_places(const AnswerLook& look);

}  // namespace callgate::mcp
