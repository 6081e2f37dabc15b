#include "classify/lexicon.hpp"

namespace callgate::classify {

std::vector<TableText> built_in_tables() {
  return {
#include CALLGATE_CLASSIFY_TABLES
  };
}

}  // namespace callgate::classify
