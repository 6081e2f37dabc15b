#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace callgate::mcp {

/// The text of an array some of whose elements are taken out or stand as another text: every other byte as its
/// writer wrote it. Goes on through several arrays, whose elements stand one behind the other then. The documents of
/// the arrays outlive it. Pure; an instance is used by one thread at a time.
class CutArray {
 public:
  explicit CutArray(json::Value array) { go_on_in(array); }
  /// What is kept or left from here on are elements of this one, in order.
  void go_on_in(json::Value array);
  void keep(json::Value element, std::string_view as);
  void leave(json::Value element) { before_ = element.offset() + element.text().size(); }
  std::string text() const;

 private:
  std::string out_ = "[";
  std::string_view bytes_;   ///< that hold the array
  std::size_t before_ = 0;   ///< end of the element before, or of the bracket
  std::size_t end_ = 0;      ///< of the array
  bool empty_ = true;
};

}  // namespace callgate::mcp
