#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "classify/classification.hpp"
#include "cli/last_look.hpp"
#include "cli/policy_files.hpp"

namespace callgate::cli {

/// One server's tools, judged.
struct Scanned {
  std::string server;
  std::vector<classify::Classification> tools;  ///< in the server's order
  Drift drift;
  bool looked = false;  ///< whether drift was asked for at all
};

/// A table, worst first; with evidence and signals of each tool where `long_form`.
void write_table(std::ostream& out, const Scanned& scanned, bool long_form, Colour colour);

/// Appends the classifications to a JSON array's elements; those that are new or
/// changed since the last look say so in `drift`.
void append_json(std::string& out, const Scanned& scanned, std::string_view classifier);

}  // namespace callgate::cli
