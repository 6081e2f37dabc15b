#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/url_reference.hpp"

/// What a server names as its address for messages: wherever it is accepted, it
/// is one target of one request line, at the origin that was configured.
namespace {

using namespace callgate::net;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_from(const Url& base, std::string_view reference) {
  const auto target = target_from(base, reference);
  if (!target) return;
  check(target->starts_with('/'));
  check(target->find_first_of(" \t\r\n#\\") == std::string::npos);
  // Said again as a whole address, it leads to the same place, and to no other origin.
  const std::string whole = (base.tls ? "https://" : "http://") + base.authority() + *target;
  const auto again = Url::parse(whole);
  check(again && again->host == base.host && again->port == base.port && again->tls == base.tls && again->target == *target);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view reference(reinterpret_cast<const char*>(data), size);
  check_from({.tls = false, .host = "a.example", .port = 8080, .target = "/x/sse?y=1"}, reference);
  check_from({.tls = true, .host = "::1", .port = 443, .target = "/"}, reference);
  if (const auto url = Url::parse(reference)) check(url->target.starts_with('/') && !url->host.empty() && url->port != 0);
  return 0;
}
