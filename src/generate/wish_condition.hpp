#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "generate/example.hpp"
#include "generate/wish.hpp"

namespace callgate::generate {

/// What came of holding a condition of a wish against the argument that it speaks of.
struct TriedCondition {
  std::string fault;             ///< why no call can meet it, or why it means nothing; empty: it may stand
  std::string good;              ///< JSON text of a value that fits both; empty: none was found
  std::vector<std::string> bad;  ///< JSON texts that the tool takes and the condition refuses
};

/// `property` is what the input schema says of the argument. Of what cannot be told
/// from it (a pattern beside a beginning) nothing is said against the condition.
TriedCondition try_condition(const WishCondition& condition, std::string_view tool, json::Value property, const ExampleMaker& maker);

}  // namespace callgate::generate
