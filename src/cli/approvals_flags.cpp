#include "cli/approvals_flags.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/ids.hpp"

namespace callgate::cli {
namespace {

using ApprovalsVerb = ApprovalsFlags::Verb;

constexpr std::array<std::pair<std::string_view, ApprovalsVerb>, 5> kVerbs{{{"help", ApprovalsVerb::help},
                                                                           {"list", ApprovalsVerb::list},
                                                                           {"show", ApprovalsVerb::show},
                                                                           {"approve", ApprovalsVerb::approve},
                                                                           {"deny", ApprovalsVerb::deny}}};

std::unexpected<Error> unfit_word(std::string_view what, std::string_view word) {
  return fail(ErrorKind::invalid, fmt::format("{} `{}`", what, word));
}

/// ULIDs are the same in either case; the gateway writes them in upper case.
Result<void> take_id(ApprovalsFlags& flags, std::string_view word) {
  if (flags.verb == ApprovalsVerb::list || !flags.id.empty()) return unfit_word("one word too many:", word);
  flags.id = word;
  std::ranges::transform(flags.id, flags.id.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
  if (!is_ulid(flags.id)) return unfit_word("this is no approval id:", word);
  return {};
}

/// The flags that stand alone; false where `word` is none of this verb.
bool take_approvals_switch(ApprovalsFlags& flags, std::string_view word) {
  if (word == "--json") return flags.json = true;
  if (word == "--all" && flags.verb == ApprovalsVerb::list) return flags.all = true;
  if (word == "--yes" && flags.verb == ApprovalsVerb::approve) return flags.yes = true;
  return false;
}

bool takes_value(const ApprovalsFlags& flags, std::string_view name) {
  const bool answers = flags.verb == ApprovalsVerb::approve || flags.verb == ApprovalsVerb::deny;
  return name == "--data" || (name == "--reason" && answers);
}

Result<void> take_value(ApprovalsFlags& flags, std::string_view name, std::string_view value) {
  if (value.empty()) return unfit_word("a value is missing behind", name);
  if (name == "--data") {
    flags.data = value;
  } else {
    flags.reason = value;
  }
  return {};
}

}  // namespace

Result<ApprovalsFlags> read_approvals_flags(std::span<const std::string_view> args) {
  ApprovalsFlags flags;
  if (args.empty()) return fail(ErrorKind::invalid, "say `list`, `show ID`, `approve ID` or `deny ID`");
  const auto verb = std::ranges::find(kVerbs, args[0], &std::pair<std::string_view, ApprovalsVerb>::first);
  const bool known = verb != kVerbs.end();
  const bool asks = std::ranges::find(args, "--help") != args.end() || std::ranges::find(args, "-h") != args.end();
  if (asks && (known || args[0].starts_with('-'))) return flags;
  if (!known) return unfit_word("say `list`, `show ID`, `approve ID` or `deny ID` instead of", args[0]);
  flags.verb = verb->second;

  for (std::size_t i = 1; i < args.size(); ++i) {
    const std::string_view word = args[i];
    const std::string_view name = word.substr(0, word.find('='));
    Result<void> taken;
    if (!word.starts_with('-')) {
      taken = take_id(flags, word);
    } else if (takes_value(flags, name)) {
      if (name.size() == word.size() && i + 1 == args.size()) return unfit_word("a value is missing behind", name);
      taken = take_value(flags, name, name.size() < word.size() ? word.substr(name.size() + 1) : args[++i]);
    } else if (!take_approvals_switch(flags, word)) {
      return unfit_word(fmt::format("`approvals {}` knows no flag", args[0]), word);
    }
    if (!taken) return std::unexpected(taken.error());
  }
  const bool needs_id = flags.verb != ApprovalsVerb::list && flags.verb != ApprovalsVerb::help;
  if (needs_id && flags.id.empty()) return fail(ErrorKind::invalid, fmt::format("name the approval: `approvals {} ID`", args[0]));
  return flags;
}

const std::string_view approvals_help =
    R"(callgate approvals – answer the calls that wait for a person

  callgate approvals list [--all] [--json]         the calls that wait now; --all: those of the last day too
  callgate approvals show ID [--json]              one call, exactly as it would run
  callgate approvals approve ID [--reason TEXT]    shows the call, asks, and lets it run once within 10 minutes
  callgate approvals deny ID [--reason TEXT]       refuses it; the agent is told the reason

  --yes         approve without being asked; needed where there is no terminal
  --data DIR    the data folder of the gateways (default $XDG_DATA_HOME/callgate)
  --json        for programs

Every gateway that runs on the data folder is asked. Exit status: 0 done, 1 refused (unknown id,
no longer waiting, you said no), 2 usage, 3 no gateway runs or one did not answer.

Example:
  callgate approvals list
  callgate approvals approve 01KAQ2T5V3B8Y0CJ7N6RXD4M9E --reason "agreed with Ana"
)";

}  // namespace callgate::cli
