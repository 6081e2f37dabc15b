#pragma once

#include <optional>

#include "base/error.hpp"
#include "store/rows.hpp"

namespace callgate::store {

/// How each server answers a call of a tool that it does not have.
class Answers {
 public:
  virtual ~Answers() = default;

  virtual Result<std::optional<UnknownToolAnswer>> find(const ListKey& key) = 0;
  virtual Result<void> put(const ListKey& key, const UnknownToolAnswer& answer) = 0;
};

}  // namespace callgate::store
