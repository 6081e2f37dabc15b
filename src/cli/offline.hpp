#pragma once

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "cli/exit.hpp"
#include "cli/words.hpp"
#include "config/environment.hpp"
#include "store/store.hpp"

namespace callgate::cli {

/// Where an offline command stands; tests bring their own.
struct Offline {
  const config::Environment& environment;
  const Clock& clock;
};

/// One run of a verb that works on the store.
struct OfflineRun {
  const Words& words;
  store::Store& store;
  std::int64_t now_ms;
  const config::Environment& environment;
  std::ostream& out;
  std::ostream& err;

  bool json() const { return words.has("--json"); }
  /// Prints the message and answers the status that fits its kind.
  Exit fault(const Error& error) const;
};

/// Opens the store of `--data`, or of the default folder.
Result<std::unique_ptr<store::Store>> open_store(const Words& words, const Offline& offline);

/// What `--policy` names, as an absolute path; empty without the flag. A file
/// that cannot be read or does not load is refused, with all of its faults on `err`.
Result<std::string> checked_policy(const Words& words, std::ostream& err);
Result<std::string> checked_policy(std::string_view file, std::ostream& err);

/// One verb of a command: its grammar and what runs it.
struct Verb {
  Grammar grammar;
  Exit (*run)(const OfflineRun& run);
};

/// Finds the verb that `args` begin with, opens the store and runs it.
Exit run_verb(std::span<const Verb> verbs, std::string_view help, std::span<const std::string_view> args,
              const Offline& offline, std::ostream& out, std::ostream& err);

/// `2026-11-23 05:35` of a Unix time in milliseconds.
std::string minute_text(std::int64_t wall_ms);

}  // namespace callgate::cli
