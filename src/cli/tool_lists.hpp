#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "catalogue/facts.hpp"
#include "cli/server_classes.hpp"
#include "cli/server_view.hpp"
#include "cli/source_flags.hpp"
#include "config/environment.hpp"

namespace callgate::cli {

/// One server's tools, from wherever the command line says.
struct ToolSourceList {
  std::string server;
  std::string address;     ///< empty: a saved list, which nobody looks at again
  catalogue::ServerFacts facts;  ///< as far as they are known; its `id` is left empty
  ClassRules rules;        ///< how they are judged
  std::filesystem::path policy;  ///< its policy file, as `--config` or the store names it; empty: none is known
  const ServerList* kept = nullptr;  ///< of `--server`: what the store has of it; lives as long as the call of `take`
  std::string_view tools;  ///< a JSON array of definitions; lives as long as the call of `take`
  bool live() const { return !address.empty(); }
};

/// Judges a list and says on `err` which entries nobody can call and why, and which overrides have lapsed.
std::vector<classify::Classification> judge_list(const classify::Classifier& classifier, std::span<const json::Value> definitions, const ToolSourceList& list, std::ostream& err);

/// The definitions of a list, which live as long as this.
struct Definitions {
  std::unique_ptr<json::OwnedDocument> document;
  std::vector<json::Value> each;  ///< in the list's order
};
/// Reads a JSON array of definitions, as servers list them. Errors: those of the reader.
Result<Definitions> read_definitions(std::string tools);

/// Whether progress may be shown where errors go.
enum class ShowProgress : std::uint8_t { no, yes };

/// Reads saved lists, or starts and asks all servers at once, and hands over
/// each list. What cannot be had is said on `err` and the rest goes on.
/// False where something could not be had.
bool read_tool_lists(const SourceFlags& flags, const config::Environment& environment, ShowProgress progress, std::ostream& err,
                     const std::function<void(const ToolSourceList& list)>& take);

}  // namespace callgate::cli
