#pragma once

#include <string>
#include <string_view>

/// HTML as ordinary C++: markup can only be a literal of the program, everything
/// else is a text and comes out escaped, in one place. Pure.
namespace callgate::admin {

/// Text that stands in the program itself.
struct Markup {
  consteval Markup(const char* literal) : text(literal) {}  // NOLINT(google-explicit-constructor): reads as what it is
  std::string_view text;
};

class Html {
 public:
  Html& markup(Markup markup) {
    out_ += markup.text;
    return *this;
  }
  /// Also good inside a quoted attribute. What a screen does not show is written
  /// out (`approval::visible`), line ends too.
  Html& text(std::string_view text);
  /// Canonical JSON with a line for each member and element: only line ends and
  /// blanks between its tokens are added, no character of it is left out.
  Html& json(std::string_view canonical);
  std::string done() { return std::move(out_); }

 private:
  std::string out_;
};

}  // namespace callgate::admin
