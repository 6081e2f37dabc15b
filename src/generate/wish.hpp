#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "generate/policy.hpp"
#include "policy/load.hpp"

/// A sentence that says what may be called, as rules. A fixed grammar, no model:
/// what it does not know is said and never guessed. Pure.
namespace callgate::generate {

/// What of a sentence an argument must be.
struct WishCondition {
  std::string argument;
  std::string schema;  ///< JSON text
};

/// One clause of a wish: an action on tools, with a limit or conditions.
struct Wish {
  enum class On : std::uint8_t {
    everything,
    rest,  ///< everything that no other clause speaks of
    category,
    risk,
    pattern,
    tool
  };
  struct Target {
    On on = On::everything;
    std::string name;  ///< of a tool or pattern; the word of a category or of the least risk
    bool operator==(const Target&) const = default;
  };
  std::optional<policy::Verdict> action;  ///< nothing: only a limit, of what may be called anyhow
  std::vector<Target> targets;
  std::vector<Target> except;  ///< what of the targets it does not speak of
  std::optional<Limit> limit;
  std::vector<WishCondition> conditions;
};

struct ReadWish {
  std::vector<Wish> wishes;
  std::vector<std::string> not_understood;  ///< for people, one for each clause
};

/// Reads clauses such as `allow reads`, `deny delete_*`, `ask before send_mail`, `limit search to 10 per minute`,
/// `allow pay only if amount <= 100`, `deny everything except reads`. `tools` are the names that are listed; any of them may stand in a clause.
ReadWish read_wish(std::string_view sentence, std::span<const std::string> tools);

/// Adds a condition; with another one on the same argument both have to hold.
void add_condition(std::vector<WishCondition>& conditions, WishCondition condition);

/// The policy in force, which a wish is laid over.
struct Standing {
  std::string_view text;
  const policy::Loaded& loaded;  ///< made of the text, without faults
  const policy::ToolList& tools;
};

struct Wished {
  Generated policy;                 ///< `rules`: of the tools that the wish speaks of
  std::vector<std::string> faults;  ///< why no policy can be made of it; then `policy` is empty
  std::vector<std::string> notes;   ///< what a person should know, one line each
  std::vector<std::string> dropped; ///< what the policy in force held and the wish takes away or replaces, one line each
};

/// The policy that a sentence asks for. Of clauses that speak of one tool the one that names it
/// counts, then a pattern, then a class, then `everything`. Tools that no clause speaks of are refused;
/// laid over a policy that stands, they are judged as they were, and so is of the others whatever
/// the wish does not speak of. A limit limits what another clause or that policy lets through.
/// `said` is what a person said where the sentence is a model's; the policy's heading shows both.
Wished wish_policy(std::string_view sentence, std::string_view server, std::span<const json::Value> definitions,
                   std::span<const classify::Classification> tools, std::string_view said = {}, const Standing* standing = nullptr);

}  // namespace callgate::generate
