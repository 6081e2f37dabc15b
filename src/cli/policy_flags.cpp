#include "cli/policy_flags.hpp"

#include <fmt/format.h>

#include "base/yaml.hpp"
#include "config/load_server.hpp"

namespace callgate::cli {

std::string_view word(PolicyVerb verb) {
  if (verb == PolicyVerb::check) return "check";
  if (verb == PolicyVerb::diff) return "diff";
  return verb == PolicyVerb::test ? "test" : "explain";
}

namespace {

/// The flags that stand alone; false where `flag` is none of this verb.
bool take_switch(PolicyFlags& flags, PolicyVerb verb, std::string_view flag) {
  if (flag == "--help" || flag == "-h") return flags.help = true;
  if (flag == "--json") return flags.json = true;
  if (flag == "--strict" && verb == PolicyVerb::check) return flags.strict = true;
  return false;
}

/// Where the value of a flag goes; null where this verb does not know it.
std::optional<std::string>* slot(PolicyFlags& flags, PolicyVerb verb, std::string_view name) {
  if (name == "--tools") return &flags.tools;
  if (name == "--server") return &flags.server;
  if (name == "--name") return &flags.name;
  if (name == "--data") return &flags.data;
  if (name == "--config") return &flags.config;
  if (name == "--call" && verb == PolicyVerb::explain) return &flags.call;
  return nullptr;
}

Result<void> check_complete(const PolicyFlags& flags, PolicyVerb verb) {
  if (flags.help) return {};
  if (flags.files.empty()) return fail(ErrorKind::invalid, fmt::format("name the policy: `policy {} FILE`", word(verb)));
  const std::size_t most = verb == PolicyVerb::diff ? 2 : 1;
  if (verb == PolicyVerb::diff && flags.files.size() < most) return fail(ErrorKind::invalid, "name both policies: `policy diff OLD NEW`");
  if (verb != PolicyVerb::check && flags.files.size() > most) {
    return fail(ErrorKind::invalid, fmt::format("one word too many: `{}`", flags.files[most]));
  }
  if (flags.tools && flags.server) return fail(ErrorKind::invalid, "both `--tools` and `--server` are given; keep one");
  if (flags.name && flags.server) return fail(ErrorKind::invalid, "both `--name` and `--server` are given, and `--server` says the name; keep one");
  if (flags.name && !config::is_server_name(*flags.name))
    return fail(ErrorKind::invalid, fmt::format("`--name`: {} is no server name; write up to 64 of A-Z a-z 0-9 _ . -", yaml::ticked(*flags.name)));
  if (flags.config && !flags.server) return fail(ErrorKind::invalid, "`--config` says how the tools of a server are judged: name it by `--server`");
  if (verb == PolicyVerb::explain && !flags.call) {
    return fail(ErrorKind::invalid, "say which call: `--call '{\"tool\": \"NAME\", \"arguments\": {}}'`");
  }
  return {};
}

}  // namespace

Result<PolicyFlags> read_policy_flags(std::span<const std::string_view> args, PolicyVerb verb) {
  PolicyFlags flags;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string_view word_here = args[i];
    if (!word_here.starts_with('-')) {
      flags.files.emplace_back(word_here);
      continue;
    }
    if (take_switch(flags, verb, word_here)) continue;
    const std::string_view name = word_here.substr(0, word_here.find('='));
    std::optional<std::string>* value = slot(flags, verb, name);
    if (value == nullptr) return fail(ErrorKind::invalid, fmt::format("`policy {}` knows no flag `{}`", word(verb), word_here));
    if (*value) return fail(ErrorKind::invalid, fmt::format("`{}` stands twice", name));
    const bool joined = name.size() < word_here.size();
    if (!joined && i + 1 == args.size()) return fail(ErrorKind::invalid, fmt::format("a value is missing behind `{}`", name));
    *value = joined ? word_here.substr(name.size() + 1) : args[++i];
  }
  if (auto complete = check_complete(flags, verb); !complete) return std::unexpected(complete.error());
  return flags;
}

}  // namespace callgate::cli
