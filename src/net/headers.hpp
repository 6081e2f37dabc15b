#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

/// Header fields of one HTTP head (RFC 9110 section 5).
namespace callgate::net {

/// Fields that the gateway itself acts on. They are recognised while a head is
/// read, so asking for one later costs no search.
enum class HeaderName : std::uint8_t {
  other,
  authorization,
  connection,
  content_encoding,
  content_length,
  content_type,
  expect,
  host,
  last_event_id,
  mcp_protocol_version,
  mcp_session_id,
  origin,
  proxy_connection,
  transfer_encoding,
  count,
};

/// Which of them a name is, in any case. Pre: `name` is a token.
HeaderName header_name(std::string_view name);

struct Header {
  std::string_view name;
  std::string_view value;
};

/// ASCII case-insensitive equality, as header names have it.
bool same_name(std::string_view a, std::string_view b);

/// The fields of a head in their order. Views into the head's bytes; clearing
/// keeps the memory.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> headers) {
    for (const Header& header : headers) add(header);
  }

  void reserve(std::size_t count) { all_.reserve(count); }
  void clear();
  /// Returns which known field it is.
  HeaderName add(const Header& header);
  std::span<const Header> all() const { return all_; }

  /// The value of the first field of that name; a view without data where absent.
  std::string_view find(HeaderName name) const {
    const std::uint16_t at = first_[static_cast<std::size_t>(name)];
    return at == 0 ? std::string_view{} : value_of(all_[at - 1U]);
  }
  bool has(HeaderName name) const { return first_[static_cast<std::size_t>(name)] != 0; }
  /// More than one field has that name.
  bool repeats(HeaderName name) const { return (repeated_ >> static_cast<unsigned>(name) & 1U) != 0; }

  /// The same by the name's text, for fields that are rarely asked for.
  std::string_view find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name).data() != nullptr; }

 private:
  static std::string_view value_of(const Header& header) {
    return header.value.data() != nullptr ? header.value : std::string_view("");
  }

  std::vector<Header> all_;
  std::array<std::uint16_t, static_cast<std::size_t>(HeaderName::count)> first_{};  ///< index + 1; 0: absent
  std::uint32_t repeated_ = 0;
};

}  // namespace callgate::net
