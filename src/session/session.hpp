#pragma once

#include <string>
#include <string_view>

#include "mcp/handshake.hpp"
#include "mcp/methods.hpp"

namespace callgate::session {

/// What is known of one legacy session, or of the stateless form.
struct Session {
  std::string id;          ///< ours: 256 random bits; empty in the stateless form and on stdio until made
  std::string name;        ///< of the session in records, counters and questions: tells sessions apart and opens none
  std::string grant;       ///< whose it is; empty under `auth: none`
  std::string principal;
  std::string grant_policy;  ///< path; empty: none
  mcp::Revision revision = mcp::assumed_revision;
  mcp::ClientCapabilities client;
};

/// A new session id: visible ASCII, unguessable (S18).
std::string new_session_id();

/// The name of the session with that id; the id cannot be told from it.
std::string session_name(std::string_view id);

}  // namespace callgate::session
