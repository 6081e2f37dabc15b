#pragma once

#include <optional>
#include <string>
#include <vector>

#include "classify/classification.hpp"
#include "classify/definition.hpp"
#include "classify/facts.hpp"
#include "classify/lexicon.hpp"
#include "classify/name_reading.hpp"
#include "classify/text_reading.hpp"

namespace callgate::classify {

/// One value of a mode argument before it is judged: what it does, as a class of verbs.
struct FoundMode {
  std::string value;
  std::string kind;            ///< `read`, `write`, `destroy`, `remove`, `execute`, `pay`; empty: not known
  const Verb* verb = nullptr;  ///< that says so, where it is one
  bool loses_later = false;    ///< what it sets makes data vanish by itself
  Place place;
};

/// The one argument that chooses between acts of different class.
struct FoundModes {
  std::uint16_t parameter = 0;
  bool closed = false;
  std::vector<FoundMode> values;
};

/// Finds it by its name and by values that are verbs or known commands: from the
/// schema, else from the texts. Values of states, formats or orders are no modes, nor are
/// those by which a tool that looks is told what to look for.
std::optional<FoundModes> read_modes(const Definition& tool, const NameReading& name, const TextReading& text,
                                     const Lexicon& lexicon);

}  // namespace callgate::classify
