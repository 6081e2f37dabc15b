#include "session/session.hpp"

#include "base/random.hpp"

namespace callgate::session {

std::string new_session_id() { return random_hex(32); }

}  // namespace callgate::session
