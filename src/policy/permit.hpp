#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "base/ids.hpp"

namespace callgate::audit {
class Journal;
}

namespace callgate::policy {

/// The right to send one message to an upstream. Only the journal makes one,
/// after the record that allows the message is written; the one function that
/// reaches upstreams takes it by value, so each is good for one message.
///
/// INVARIANT: no other constructor, no copy, no default: holding a Permit proves
/// that a record exists.
class Permit {
 public:
  enum class Kind : std::uint8_t {
    decided,   ///< a caller's message that the policy allowed
    internal,  ///< the gateway's own traffic (initialize, lists, pings, ...)
  };

  Permit(Permit&& other) noexcept : id_(other.id_), kind_(other.kind_), spent_(std::exchange(other.spent_, true)) {}
  Permit& operator=(Permit&& other) noexcept {
    if (this == &other) return *this;
    id_ = other.id_;
    kind_ = other.kind_;
    spent_ = std::exchange(other.spent_, true);
    return *this;
  }
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;
  ~Permit() = default;

  std::string_view id() const { return spent_ ? std::string_view{} : id_.text(); }  ///< of the record; empty once moved from
  Kind kind() const { return kind_; }
  bool spent() const { return spent_; }

 private:
  friend class audit::Journal;
  Permit(const Ulid& id, Kind kind) : id_(id), kind_(kind) {}

  Ulid id_;
  Kind kind_;
  bool spent_ = false;
};

}  // namespace callgate::policy
