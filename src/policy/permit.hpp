#pragma once

#include <cstdint>
#include <string>
#include <utility>

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

  Permit(Permit&& other) noexcept : id_(std::move(other.id_)), kind_(other.kind_) { other.id_.clear(); }
  Permit& operator=(Permit&& other) noexcept {
    if (this == &other) return *this;
    id_ = std::move(other.id_);
    kind_ = other.kind_;
    other.id_.clear();
    return *this;
  }
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;
  ~Permit() = default;

  const std::string& id() const { return id_; }  ///< of the record; empty once moved from
  Kind kind() const { return kind_; }
  bool spent() const { return id_.empty(); }

 private:
  friend class audit::Journal;
  Permit(std::string id, Kind kind) : id_(std::move(id)), kind_(kind) {}

  std::string id_;
  Kind kind_;
};

}  // namespace callgate::policy
