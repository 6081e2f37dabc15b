#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "classify/classification.hpp"

/// A wish in anybody's words, put by a language model into the words that
/// `read_wish` knows: the model writes no policy, and what it writes is read and
/// checked as if a person had typed it. Pure; who sends and receives is elsewhere.
namespace callgate::generate {

inline constexpr std::size_t max_model_request = 256 * 1024;
inline constexpr std::size_t max_model_answer = 256 * 1024;

/// The body of a request to a chat endpoint (`POST …/chat/completions`). The wish and
/// the tools stand in it as one JSON text of its own message, descriptions cut short,
/// and the model is told that they are data. Without `model` the endpoint chooses.
/// Errors: `too_large`.
Result<std::string> model_request(std::string_view wish, std::span<const json::Value> definitions, std::span<const classify::Classification> tools,
                                  std::string_view model);

/// The clauses in the answer of a chat endpoint, on one line. Errors: `malformed`,
/// `invalid` (it says that it cannot, or something that is no line of clauses).
Result<std::string> clauses_of_answer(std::string_view body);

}  // namespace callgate::generate
