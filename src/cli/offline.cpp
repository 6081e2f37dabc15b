#include "cli/offline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/suggest.hpp"
#include "config/text_file.hpp"
#include "policy/load.hpp"

namespace callgate::cli {
namespace {

Exit status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::unavailable:
    case ErrorKind::unsupported:
    case ErrorKind::timeout:
    case ErrorKind::closed:
    case ErrorKind::internal: return Exit::unavailable;
    default: return Exit::refused;
  }
}

/// The second word of a verb: `add` of `server add`.
std::string_view own_name(const Verb& verb) { return verb.grammar.verb.substr(verb.grammar.verb.find(' ') + 1); }

Exit usage(std::ostream& err, std::string_view command, std::string_view message) {
  err << "callgate: " << message << "; see `callgate " << command << " --help`\n";
  return Exit::usage;
}

}  // namespace

Exit OfflineRun::fault(const Error& error) const {
  err << "callgate: " << error.message << '\n';
  return status_of(error.kind);
}

Result<std::unique_ptr<store::Store>> open_store(const Words& words, const Offline& offline) {
  std::filesystem::path folder;
  if (const auto given = words.value("--data")) {
    folder = *given;
  } else {
    auto standard = config::default_data_folder(offline.environment);
    if (!standard) return std::unexpected(standard.error());
    folder = std::move(*standard);
  }
  return store::open(folder, {.busy = std::chrono::seconds(5), .now_ms = offline.clock.wall_ms()});
}

Result<std::string> checked_policy(const Words& words, std::ostream& err) {
  const auto given = words.value("--policy");
  return given ? checked_policy(*given, err) : std::string();
}

Result<std::string> checked_policy(std::string_view name, std::ostream& err) {
  const std::string file(name);
  const auto text = config::read_text(file, config::Writers::owner_only);
  // A missing file is no "no": it cannot be had now.
  if (!text) return fail(text.error().kind == ErrorKind::refused ? ErrorKind::refused : ErrorKind::unavailable, text.error().message);
  const policy::Loaded loaded = policy::load(*text, file);
  for (const Error& each : loaded.faults) err << each.where << ": " << each.message << '\n';
  if (!loaded.policy) return fail(ErrorKind::invalid, fmt::format("the policy `{}` has faults; nothing was changed", file));
  std::error_code problem;
  const auto absolute = std::filesystem::absolute(file, problem);
  if (problem) return fail(ErrorKind::unavailable, fmt::format("cannot find the folder of `{}`: {}", file, problem.message()));
  return absolute.lexically_normal().string();
}

Exit run_verb(std::span<const Verb> verbs, std::string_view help, std::span<const std::string_view> args,
              const Offline& offline, std::ostream& out, std::ostream& err) {
  const std::string_view command = verbs[0].grammar.verb.substr(0, verbs[0].grammar.verb.find(' '));
  std::vector<std::string_view> names;
  for (const Verb& verb : verbs) names.push_back(own_name(verb));
  if (wants_help(args, names)) {
    out << help;
    return Exit::ok;
  }
  if (args.empty()) return usage(err, command, fmt::format("say what to do: {}", fmt::join(names, ", ")));
  const auto verb = std::ranges::find(verbs, args[0], own_name);
  if (verb == verbs.end()) {
    return usage(err, command, fmt::format("`{}` is not one of {}{}", args[0], fmt::join(names, ", "), did_you_mean(args[0], names)));
  }
  const auto words = read_words(verb->grammar, args.subspan(1));
  if (!words) return usage(err, command, words.error().message);
  auto store = open_store(*words, offline);
  if (!store) {
    err << "callgate: " << store.error().message << '\n';
    return Exit::unavailable;
  }
  return verb->run({*words, **store, offline.clock.wall_ms(), offline.environment, out, err});
}

std::string minute_text(std::int64_t wall_ms) {
  std::string text = utc_text(wall_ms).substr(0, 16);
  std::ranges::replace(text, 'T', ' ');
  return text;
}

}  // namespace callgate::cli
