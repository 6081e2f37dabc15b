#pragma once

#include <string>
#include <string_view>

namespace callgate::upstream {

/// An answer that was read once. Another one of the very same bytes but for its
/// id says the same, and need not be read again.
struct SeenAnswer {
  std::string before_id;
  std::string behind_id;

  /// Pre: `id_text` points into `bytes`.
  static SeenAnswer of(std::string_view bytes, std::string_view id_text) {
    const auto at = static_cast<std::size_t>(id_text.data() - bytes.data());
    return {.before_id = std::string(bytes.substr(0, at)), .behind_id = std::string(bytes.substr(at + id_text.size()))};
  }

  std::size_t size() const { return before_id.size() + behind_id.size(); }
  /// Whether `bytes` is this answer to the request of that id, as that request wrote it.
  bool is(std::string_view bytes, std::string_view id_text) const {
    return bytes.size() == size() + id_text.size() && bytes.starts_with(before_id) &&
           bytes.substr(before_id.size(), id_text.size()) == id_text && bytes.ends_with(behind_id);
  }
};

}  // namespace callgate::upstream
