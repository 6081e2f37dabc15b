#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "classify/classification.hpp"

/// The kinds of attack of `data/catalogue/attacks.tsv`. Threads: any.
namespace callgate::catalogue {

struct Reference {
  std::string_view kind;
  std::string_view address;
  std::string_view label;
};

struct Attack {
  std::string_view id;
  std::string_view name;
  classify::Risk severity = classify::Risk::high;
  std::string_view scope;  ///< `tool` or `server`
  std::vector<classify::Category> categories;  ///< empty: all
  std::vector<std::string_view> signals;       ///< empty: none is asked for
  std::vector<std::string> mappings;      ///< `OWASP MCP06`, `CWE-77`, …
  std::string_view happens;
  std::string_view answered_by;
  std::vector<Reference> references;
};

std::span<const Attack> all_attacks();

/// Those that fit a tool by its category or that of one of its modes, and by its
/// signals: worst first, those that a signal called for before general ones.
std::vector<const Attack*> attacks_on(const classify::Classification& tool);
/// Those on a server as a whole, worst first.
std::vector<const Attack*> attacks_on_servers();

}  // namespace callgate::catalogue
