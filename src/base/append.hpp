#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

namespace callgate {

/// Appends texts in their order, asking for room once. None of them may lie in `out`.
template <class Text, class... Pieces>
void append_all(Text& out, const Pieces&... pieces) {
  const auto append = [&out](auto... views) {
    const std::size_t before = out.size();
    const std::size_t after = before + (views.size() + ...);
    // The size that comes back may be all that there is room for (libstdc++ 12): the text ends where it was asked to.
    out.resize_and_overwrite(after, [&](char* text, std::size_t /*room*/) {
      char* to = text + before;
      const auto put = [&to](std::string_view view) {
        if (view.empty()) return;  // it may have no place at all
        std::memcpy(to, view.data(), view.size());
        to += view.size();
      };
      (put(views), ...);
      return after;
    });
  };
  append(std::string_view(pieces)...);
}

}  // namespace callgate
