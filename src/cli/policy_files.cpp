#include "cli/policy_files.hpp"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "base/json.hpp"
#include "config/text_file.hpp"

namespace callgate::cli {
namespace {

std::string painted(std::string_view text, std::string_view code, Colour colour) {
  return colour == Colour::on ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

/// The last number of `file:line:column`, which is then cut off; 1 where there is none.
int last_number(std::string_view& where) {
  const std::size_t colon = where.rfind(':');
  if (colon == std::string_view::npos) return 1;
  int value = 1;
  std::from_chars(where.data() + colon + 1, where.data() + where.size(), value);
  where = where.substr(0, colon);
  return value;
}

/// Says the error; gives the exit status it means.
std::unexpected<Exit> failed(const Error& error, std::ostream& err) {
  err << "callgate: " << error.message << '\n';
  return std::unexpected(exit_of(error));
}

}  // namespace

std::string without_tools_note(bool has_classes) {
  return fmt::format("no list of tools was given (`--tools FILE` or `--server NAME`): every tool counts as known, and the tools' own schemas are skipped{}",
                     has_classes ? "; for `classes` every tool counts as not classified: no category, risk High" : "");
}

Colour colour_of_terminal() {
  const char* no_colour = std::getenv("NO_COLOR");
  const bool off = no_colour != nullptr && no_colour[0] != '\0';
  return !off && ::isatty(STDOUT_FILENO) == 1 ? Colour::on : Colour::off;
}

std::string red(std::string_view text, Colour colour) { return painted(text, "31", colour); }
std::string green(std::string_view text, Colour colour) { return painted(text, "32", colour); }
std::string yellow(std::string_view text, Colour colour) { return painted(text, "33", colour); }

Result<policy::Loaded> load_policy_file(const std::string& path, const PolicyFlags& flags, const policy::ToolList* tools) {
  const Result<std::string> text = config::read_text(path, config::Writers::owner_only);
  if (!text) return std::unexpected(text.error());
  return load_policy_text(*text, path, flags, tools);
}

policy::Loaded load_policy_text(std::string_view text, const std::string& path, const PolicyFlags& flags, const policy::ToolList* tools) {
  policy::Loaded loaded = policy::load(text, path, tools);
  for (policy::Expectation& each : loaded.expectations) each.call.server = flags.name.value_or("");
  return loaded;
}

Exit exit_of(const Error& error) { return error.kind == ErrorKind::refused ? Exit::refused : Exit::unavailable; }

void write_findings(std::ostream& err, const policy::Loaded& loaded, Colour colour) {
  for (const Error& fault : loaded.faults) err << fault.where << ": " << red("error", colour) << ": " << fault.message << '\n';
  for (const Error& warning : loaded.warnings) {
    err << warning.where << ": " << yellow("warning", colour) << ": " << warning.message << '\n';
  }
}

std::expected<PolicyFlags, Exit> begin(std::span<const std::string_view> args, PolicyVerb verb, std::string_view about, std::ostream& out,
                                       std::ostream& err) {
  auto flags = read_policy_flags(args, verb);
  if (!flags) {
    err << fmt::format("callgate: {}; see `callgate policy {} --help`\n", flags.error().message, word(verb));
    return std::unexpected(Exit::usage);
  }
  if (!flags->help) return *std::move(flags);
  out << about;
  return std::unexpected(Exit::ok);
}

std::expected<std::optional<policy::ToolList>, Exit> open_tools(const PolicyFlags& flags, std::ostream& err) {
  auto tools = load_tools(flags);
  if (!tools) return failed(tools.error(), err);
  if (*tools) {
    for (const std::string& each : (*tools)->left_out()) err << "callgate: " << each << '\n';
  }
  return *std::move(tools);
}

std::expected<OpenedPolicy, Exit> open_policy(const PolicyFlags& flags, Colour colour, std::ostream& err) {
  auto tools = open_tools(flags, err);
  if (!tools) return std::unexpected(tools.error());
  OpenedPolicy opened{.tools = std::move(*tools), .loaded = {}};
  auto loaded = load_policy_file(flags.files[0], flags, opened.list());
  if (!loaded) return failed(loaded.error(), err);
  opened.loaded = std::move(*loaded);
  write_findings(err, opened.loaded, colour);
  if (opened.loaded.policy == nullptr) return std::unexpected(Exit::refused);
  return opened;
}

std::string findings_json(const std::vector<Error>& errors) {
  std::string out = "[";
  for (const Error& error : errors) {
    std::string_view where = error.where;
    const int column = last_number(where);
    const int line = last_number(where);
    out += fmt::format("{}{{\"line\":{},\"column\":{},\"message\":{}}}", out.size() > 1 ? "," : "", line, column,
                       json::quoted(error.message));
  }
  return out + "]";
}

}  // namespace callgate::cli
