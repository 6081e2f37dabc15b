#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// Bytes nobody can guess (getrandom(2)), and their texts.
namespace callgate {

/// Fills `out` from the kernel. The process aborts where the kernel gives none:
/// no token is better than a guessable one.
void random_bytes(std::span<std::uint8_t> out);

std::string random_hex(std::size_t bytes);    ///< 2 characters a byte
std::string random_token(std::size_t bytes);  ///< base64url without padding (RFC 4648 section 5)

/// Lower-case hexadecimal.
std::string hex(std::span<const std::uint8_t> bytes);
std::string base64url(std::span<const std::uint8_t> bytes);

/// Equality in a time that depends on the lengths only (security S28).
bool constant_time_equal(std::string_view a, std::string_view b);

/// Random bytes in small portions with few system calls. Threads: one.
class RandomPool {
 public:
  void fill(std::span<std::uint8_t> out);  ///< pre: out.size() <= 256

 private:
  std::array<std::uint8_t, 256> bytes_{};
  std::size_t used_ = 256;
};

}  // namespace callgate
