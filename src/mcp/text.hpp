#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace callgate::mcp {

/// A decoded string of a message. Points into the message's bytes where the
/// source holds no escapes and owns its text otherwise, so the ordinary message
/// costs no allocation. May be copied and moved; the bytes must outlive it.
class Text {
 public:
  Text() = default;
  /// Pre: `value` is a string.
  explicit Text(json::Value value) {
    if (value.has_escapes()) {
      owned_ = value.string();
    } else {
      plain_ = value.raw_string();
    }
  }
  explicit Text(std::string owned) : owned_(std::move(owned)) {}

  std::string_view view() const { return plain_.data() != nullptr ? plain_ : std::string_view(owned_); }
  bool empty() const { return view().empty(); }

 private:
  std::string_view plain_;
  std::string owned_;
};

}  // namespace callgate::mcp
