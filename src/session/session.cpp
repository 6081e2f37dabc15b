#include "session/session.hpp"

#include "base/random.hpp"
#include "base/sha256.hpp"

namespace callgate::session {

std::string new_session_id() { return random_hex(32); }

std::string session_name(std::string_view id) { return "s-" + sha256_hex(id).substr(0, 16); }

}  // namespace callgate::session
