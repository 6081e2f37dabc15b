#pragma once

#include <algorithm>
#include <bitset>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/steps.hpp"
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

/// What names are made of. A text need not be searched for each of them: what cannot
/// be one of them is not looked at.
class NameShape {
 public:
  void add(std::string_view name) {
    for (const char c : name) of_names_.set(static_cast<unsigned char>(c));
    longest_ = std::max(longest_, name.size());
  }
  bool may_hold(char c) const { return of_names_.test(static_cast<unsigned char>(c)); }
  std::size_t longest() const { return longest_; }

 private:
  std::bitset<256> of_names_;
  std::size_t longest_ = 0;
};

/// Whether a part of the text that is no part of a longer word is one of these names.
/// Words are of letters, digits and `_`, and `-` joins them; a name may be several.
/// True where the steps are used up. Takes a step for each byte and eight or more for
/// each part that is asked for.
bool holds_name(std::string_view text, const NameShape& shape, const std::function<bool(std::string_view name)>& is_one, Steps& steps);

/// Whether an address stands in the text that is one of these; trailing
/// punctuation may belong to it or not. Likewise of the steps.
bool holds_address(std::string_view text, const std::function<bool(std::string_view uri)>& is_one, Steps& steps);

/// Whether the text begins with a scheme of two letters at least: `C:\x` is no address.
bool has_scheme(std::string_view text);

/// A template (RFC 6570, `{name}` and `{+name}`) with this value in it; empty where
/// other variables are left.
std::string filled_template(std::string_view uri_template, std::string_view name, std::string_view value);

}  // namespace callgate::mcp
