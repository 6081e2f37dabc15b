#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace callgate::store {

/// Small values of the installation as a whole.
class Meta {
 public:
  virtual ~Meta() = default;

  virtual Result<std::optional<std::string>> get(std::string_view key) = 0;
  virtual Result<void> put(std::string_view key, std::string_view value) = 0;
  /// Sets the value if there is none, and answers the one that stands: how
  /// several processes agree on one.
  virtual Result<std::string> put_once(std::string_view key, std::string_view value) = 0;
};

}  // namespace callgate::store
