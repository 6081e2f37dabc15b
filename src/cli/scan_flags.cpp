#include "cli/scan_flags.hpp"

#include <fmt/format.h>

#include <utility>

namespace callgate::cli {

Result<ScanFlags> read_scan_flags(std::span<const std::string_view> args, const config::Environment& environment) {
  static const SourceGrammar grammar{.command = "scan", .verb = "scan", .values = {"--fail-on"}, .switches = {"--json", "--long"}};
  auto read = read_source_flags(grammar, args, environment);
  if (!read) return std::unexpected(read.error());
  ScanFlags flags{std::move(*read)};
  flags.json = flags.has("--json");
  flags.long_form = flags.has("--long");
  if (const std::string* risk = flags.value("--fail-on"); risk != nullptr && !flags.help) {
    flags.fail_on = classify::risk_of(*risk);
    if (!flags.fail_on) return fail(ErrorKind::invalid, fmt::format("`--fail-on`: `{}` is no risk; the risks are Low, Medium, High, Critical", *risk));
  }
  return flags;
}

}  // namespace callgate::cli
