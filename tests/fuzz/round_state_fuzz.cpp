#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "approval/round_state.hpp"

/// What a client brings back as the state of a call that waits for a person. Two
/// readings of the bytes: as the state itself, which opens nothing, since the key is
/// not the fuzzer's; and as the body of one that is sealed rightly, so that what lies
/// behind the seal is read as well.
namespace {

using namespace callgate;

void check(bool holds) {
  if (!holds) std::abort();
}

const HmacSha256& key() {
  static const HmacSha256 one(std::array<std::uint8_t, 32>{7});
  return one;
}

std::string sealed(std::string_view body, std::string_view call) {
  const std::string mac = hex(key().of("approval round 1\n" + std::to_string(call.size()) + ":" + std::string(call) + std::string(body)));
  return std::string(approval::round_state) + mac + "." + std::string(body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(!approval::open_seal(text, "call", key(), 0));
  check(!approval::open_seal(std::string(approval::round_state) + std::string(text), "call", key(), 0));

  const auto state = approval::open_seal(sealed(text, "call"), "call", key(), 0);
  check(!approval::open_seal(sealed(text, "call"), "other", key(), 0));
  if (!state) return 0;
  check(state->expires_ms > 0 && state->question.size() == 26 && state->inner.size() <= approval::max_round_state);
  // Sealed again it says the same.
  const auto again = approval::open_seal(approval::seal(*state, "call", "00112233445566778899aabbccddeeff", key()), "call", key(), 0);
  check(again && *again == *state);
  return 0;
}
