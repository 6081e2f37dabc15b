#pragma once

#include <string_view>

#include "config/load_server.hpp"

namespace callgate::config {

/// Reads `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]` (`valkey://` is the
/// same). The password is `${file:PATH}` or `${env:NAME}`: files get copied.
/// Errors: `invalid`, `refused`, `not_found`; never with the text, which may
/// hold a password.
Result<SharedState> read_shared_state(std::string_view text, const Surroundings& around);

}  // namespace callgate::config
