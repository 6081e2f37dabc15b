#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "registry/tool_table.hpp"

namespace callgate::registry {

/// One definition of a server's list that can be pinned.
struct Listed {
  std::string name;
  std::string fingerprint;
  json::Value definition;
};

/// A server's list without what is refused in any case: entries without a
/// proper name, and names that stand there twice (both are left out: which of
/// them a client means cannot be told).
struct Listing {
  std::vector<Listed> tools;  ///< in the order of the list
  std::vector<Drift> drift;   ///< bad names, duplicates, look-alikes within the list
};

/// The name of an entry as it may stand in logs, whatever it holds; empty where it has none.
std::string shown_name(json::Value definition);

Listing read_listing(std::span<const json::Value> definitions);

/// Reads a list, one definition after the other. `definitions` outlive it.
class ListingReader {
 public:
  explicit ListingReader(std::span<const json::Value> definitions) : definitions_(definitions) {}
  /// Reads the next. False: all were read.
  bool go_on();
  /// What became of them, once all were read.
  Listing finish();

 private:
  std::span<const json::Value> definitions_;
  std::size_t next_ = 0;
  Listing listing_;
  std::map<std::string, int> counts_;
  std::map<std::string, std::string> looks_;  ///< by what a name looks like: the first that does
  std::vector<Drift> look_alikes_;
};

}  // namespace callgate::registry
