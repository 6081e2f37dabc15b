#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "mcp/message.hpp"

/// What a server says in an answer of things that its caller may not see. Cut out
/// are addresses of resources where the protocol has a place for them (blocks of
/// tools/call and prompts/get, contents of resources/read), values of
/// completion/complete, and words of errors. The text of other answers is passed
/// on, not understood. Every byte that is not part of what is cut stays.
/// Pure; any thread. Source: MCP 2025-11-25 and 2026-07-28, "Tools", "Prompts",
/// "Resources", "Completion", "Tasks".
namespace callgate::mcp {

/// What one caller may not see. A function that is empty says: nothing of the kind.
struct HiddenNames {
  std::function<bool(std::string_view uri)> resource;
  std::function<bool(std::string_view value)> value;  ///< of a completion
  std::function<bool(std::string_view text)> text;    ///< the words of an error name something hidden
};

/// Whether the answer may hold the address of a resource in one of its places: a
/// cheap search that errs on the side of yes.
bool may_hold_addresses(std::string_view answer);

/// The answer, or the news of a task, without what is hidden; nothing where all of it stays. Words of
/// errors are replaced, their code stays; a prompt's message that was nothing but
/// a hidden resource says that it was left out. Pre: it was read in whole (`whole_answer`).
std::optional<std::string> without_hidden(const Message& answer, const HiddenNames& hidden);

/// The answer to `initialize` or `server/discover` without its `instructions`.
std::string without_instructions(const Message& answer);

/// Whether the name stands in the text and is no part of a longer word. Words are
/// of letters, digits and `_`, and `-` joins them.
bool holds_word(std::string_view text, std::string_view name);

/// Whether an address stands in the text that is one of these; trailing
/// punctuation may belong to it or not.
bool holds_address(std::string_view text, const std::function<bool(std::string_view uri)>& is_one);

/// Whether the text begins with a scheme of two letters at least: `C:\x` is no address.
bool has_scheme(std::string_view text);

/// A template (RFC 6570, `{name}` and `{+name}`) with this value in it; empty where
/// other variables are left.
std::string filled_template(std::string_view uri_template, std::string_view name, std::string_view value);

}  // namespace callgate::mcp
