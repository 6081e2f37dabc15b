#pragma once

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace callgate {

/// A text that must not reach logs, records, answers or process arguments
/// (security S28). Printing one gives `***`; the text itself only comes out of
/// `reveal()`, and its memory is wiped when the object goes.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      wipe();
      text_ = other.text_;
    }
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      text_ = std::move(other.text_);
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  /// Whether both hold the same text; takes as long wherever they differ.
  friend bool operator==(const Secret& a, const Secret& b) {
    return a.text_.size() == b.text_.size() && CRYPTO_memcmp(a.text_.data(), b.text_.data(), a.text_.size()) == 0;
  }

  /// The text; for the one place that needs it.
  std::string_view reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

  friend std::ostream& operator<<(std::ostream& out, const Secret& /*hidden*/) { return out << "***"; }

 private:
  void wipe() {
    OPENSSL_cleanse(text_.data(), text_.size());
    text_.clear();
  }
  std::string text_;
};

}  // namespace callgate

template <>
struct fmt::formatter<callgate::Secret> : fmt::formatter<std::string_view> {
  auto format(const callgate::Secret& /*hidden*/, format_context& context) const {
    return fmt::formatter<std::string_view>::format("***", context);
  }
};
