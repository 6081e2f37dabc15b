#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <string_view>

#include "catalogue/facts.hpp"
#include "cli/source_flags.hpp"
#include "config/environment.hpp"

namespace callgate::cli {

/// One server's tools, from wherever the command line says.
struct ToolSourceList {
  std::string server;
  std::string address;     ///< empty: a saved list, which nobody looks at again
  catalogue::ServerFacts facts;  ///< as far as they are known; its `id` is left empty
  std::string_view tools;  ///< a JSON array of definitions; lives as long as the call of `take`
  bool live() const { return !address.empty(); }
};

/// Whether progress may be shown where errors go.
enum class ShowProgress : std::uint8_t { no, yes };

/// Reads saved lists, or starts and asks all servers at once, and hands over
/// each list. What cannot be had is said on `err` and the rest goes on.
/// False where something could not be had.
bool read_tool_lists(const SourceFlags& flags, const config::Environment& environment, ShowProgress progress, std::ostream& err,
                     const std::function<void(const ToolSourceList& list)>& take);

}  // namespace callgate::cli
