#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace callgate::cli {

/// What a verb takes: words by position, flags with a value, flags without.
struct Grammar {
  std::string_view verb;                          ///< as it is called in messages: `server add`
  std::vector<std::string_view> words;            ///< what each is called: {"NAME"}; all are needed
  std::vector<std::string_view> values = {};      ///< {"--policy"}
  std::vector<std::string_view> switches = {};    ///< {"--json"}
  bool command = false;                           ///< whether `-- CMD…` may follow
  std::size_t optional = 0;                       ///< so many of the last words may be missing
};

/// A command line taken apart. The views point into the arguments.
struct Words {
  std::vector<std::string_view> words;
  std::map<std::string_view, std::string_view> values;
  std::vector<std::string_view> switches;
  std::vector<std::string> command;

  bool has(std::string_view name) const;
  std::optional<std::string_view> value(std::string_view flag) const;
};

/// `--flag value` and `--flag=value`; `--data DIR` and `--json` fit every verb.
/// Error: `invalid`, naming the word that does not fit.
Result<Words> read_words(const Grammar& grammar, std::span<const std::string_view> args);

/// Whether help is asked for before any `--`: of nothing in particular, or of one of `verbs`.
/// Of a verb that there is not, nobody can be helped.
bool wants_help(std::span<const std::string_view> args, std::span<const std::string_view> verbs);

}  // namespace callgate::cli
