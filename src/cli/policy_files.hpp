#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "cli/exit.hpp"
#include "cli/policy_flags.hpp"
#include "policy/load.hpp"

/// What the `policy` commands share: files in, faults out.
namespace callgate::cli {

enum class Colour : std::uint8_t { off, on };

/// On where standard output is a terminal and NO_COLOR (no-color.org) is not set.
Colour colour_of_terminal();

/// `text` in that colour of the terminal, or as it is.
std::string red(std::string_view text, Colour colour);
std::string green(std::string_view text, Colour colour);
std::string yellow(std::string_view text, Colour colour);

/// Reads and compiles a policy file; its tests call tools of the server that the flags
/// name. Errors: as `config::read_text`; `refused` where others than its owner may write to it.
Result<policy::Loaded> load_policy_file(const std::string& path, const PolicyFlags& flags, const policy::ToolList* tools);

/// The same of its text.
policy::Loaded load_policy_text(std::string_view text, const std::string& path, const PolicyFlags& flags, const policy::ToolList* tools);

/// The flags of a command line. Where there is nothing more to do the exit status, with
/// `about` on `out` or what is wrong on `err`.
std::expected<PolicyFlags, Exit> begin(std::span<const std::string_view> args, PolicyVerb verb, std::string_view about, std::ostream& out,
                                       std::ostream& err);

/// The list that `--tools` names, or the pinned definitions of the server that
/// `--server` names; nothing where neither is given. In policy_tools.cpp.
/// Errors: `unavailable`, with what to do.
Result<std::optional<policy::ToolList>> load_tools(const PolicyFlags& flags);
/// The same, having said on `err` which of its entries are no tools, or why there is none.
std::expected<std::optional<policy::ToolList>, Exit> open_tools(const PolicyFlags& flags, std::ostream& err);

/// One policy that compiles, with the list of tools it is judged with.
struct OpenedPolicy {
  std::optional<policy::ToolList> tools;
  policy::Loaded loaded;
  const policy::ToolList* list() const { return tools ? &*tools : nullptr; }
};
/// The file that the flags name, with what is to be said of it written on `err`; where
/// it cannot be judged by, the exit status.
std::expected<OpenedPolicy, Exit> open_policy(const PolicyFlags& flags, Colour colour, std::ostream& err);

/// The exit status that a file's error means: 1 where the file is refused, else 3.
Exit exit_of(const Error& error);

/// Writes `file:line:column: message` for every fault, then for every warning.
void write_findings(std::ostream& err, const policy::Loaded& loaded, Colour colour);

/// `[{"line": 4, "column": 3, "message": "..."}]`
std::string findings_json(const std::vector<Error>& errors);

/// What has to be said where no list of tools was given.
std::string without_tools_note(bool has_classes);

}  // namespace callgate::cli
