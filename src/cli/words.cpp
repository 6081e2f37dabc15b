#include "cli/words.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.hpp"

namespace callgate::cli {
namespace {

std::unexpected<Error> unfit(std::string message) { return fail(ErrorKind::invalid, std::move(message)); }

bool holds(const std::vector<std::string_view>& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

}  // namespace

bool Words::has(std::string_view name) const { return holds(switches, name); }

std::optional<std::string_view> Words::value(std::string_view flag) const {
  const auto found = values.find(flag);
  return found == values.end() ? std::nullopt : std::optional(found->second);
}

Result<Words> read_words(const Grammar& given, std::span<const std::string_view> args) {
  Grammar grammar = given;
  grammar.values.push_back("--data");
  grammar.switches.push_back("--json");
  Words read;
  while (!args.empty()) {
    const std::string_view word = args.front();
    args = args.subspan(1);
    const std::string_view flag = word.substr(0, word.find('='));
    if (word == "--" && grammar.command) {
      if (args.empty()) return unfit("nothing stands behind `--`; name the server's command");
      read.command.assign(args.begin(), args.end());
      break;
    }
    if (!word.starts_with('-')) {
      read.words.push_back(word);
    } else if (holds(grammar.switches, word)) {
      read.switches.push_back(word);
    } else if (holds(grammar.values, flag)) {
      std::string_view value = flag.size() < word.size() ? word.substr(flag.size() + 1) : std::string_view{};
      if (flag.size() == word.size() && !args.empty()) {
        value = args.front();
        args = args.subspan(1);
      }
      if (value.empty()) return unfit(fmt::format("`{}` needs a value", flag));
      if (!read.values.emplace(flag, value).second) return unfit(fmt::format("`{}` stands twice; keep one", flag));
    } else {
      std::vector<std::string_view> known = grammar.values;
      known.insert(known.end(), grammar.switches.begin(), grammar.switches.end());
      return unfit(fmt::format("`{}` knows no flag `{}`{}", grammar.verb, word, did_you_mean(flag, known)));
    }
  }
  if (read.words.size() > grammar.words.size()) {
    return unfit(fmt::format("one word too many: `{}`", read.words[grammar.words.size()]));
  }
  if (read.words.size() + grammar.optional < grammar.words.size()) {
    return unfit(fmt::format("`{}` needs {}", grammar.verb, grammar.words[read.words.size()]));
  }
  return read;
}

bool wants_help(std::span<const std::string_view> args, std::span<const std::string_view> verbs) {
  if (args.empty() || (!args[0].starts_with('-') && std::ranges::find(verbs, args[0]) == verbs.end())) return false;
  const auto end = std::ranges::find(args, "--");
  return std::find(args.begin(), end, "--help") != end || std::find(args.begin(), end, "-h") != end;
}

}  // namespace callgate::cli
