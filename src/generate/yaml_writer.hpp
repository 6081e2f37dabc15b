#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"

/// Pieces of YAML whose texts may come from a hostile server.
namespace callgate::generate {

/// `text` as a YAML string: plain where that has one meaning for every reader,
/// else in double quotes with everything unusual escaped.
std::string yaml_string(std::string_view text);

/// A JSON value in YAML's flow form, keys and texts in quotes only where needed.
std::string yaml_flow(json::Value value);
/// Of JSON text. Pre: it is JSON.
std::string yaml_flow(std::string_view json);

/// `text` as one line for a comment: blanks run together, characters that hide
/// or turn written as `\u202e`, cut after `most` bytes with a sign.
std::string comment_line(std::string_view text, std::size_t most = 100);

}  // namespace callgate::generate
