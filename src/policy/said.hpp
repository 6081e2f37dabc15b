#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

namespace callgate::policy {

/// A text of a decision: mostly one that stands in its policy, and is pointed to,
/// so that a call which is allowed copies none; else one that was made for it.
class Said {
 public:
  Said() = default;
  Said(std::string made) : made_(std::make_unique<const std::string>(std::move(made))), text_(*made_) {}
  Said(const char* made) : Said(std::string(made)) {}
  Said(std::string_view made) : Said(std::string(made)) {}
  /// Pre: the policy outlives it.
  static Said in_policy(std::string_view text) {
    Said said;
    said.text_ = text;
    return said;
  }

  Said(const Said& other) : made_(other.made_ ? std::make_unique<const std::string>(*other.made_) : nullptr), text_(made_ ? *made_ : other.text_) {}
  Said(Said&& other) noexcept : made_(std::move(other.made_)), text_(std::exchange(other.text_, {})) {}
  Said& operator=(Said other) noexcept {
    std::swap(made_, other.made_);
    std::swap(text_, other.text_);
    return *this;
  }
  ~Said() = default;

  std::string_view view() const { return text_; }
  operator std::string_view() const { return text_; }
  bool empty() const { return text_.empty(); }
  friend bool operator==(const Said& a, const std::convertible_to<std::string_view> auto& b) { return a.text_ == std::string_view(b); }

 private:
  std::unique_ptr<const std::string> made_;  ///< null where the policy has it
  std::string_view text_;
};

}  // namespace callgate::policy

template <>
struct fmt::formatter<callgate::policy::Said> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const callgate::policy::Said& said, Context& context) const {
    return fmt::formatter<std::string_view>::format(said.view(), context);
  }
};
