#include "audit/record.hpp"

namespace callgate::audit {

std::string_view word(Internal kind) {
  switch (kind) {
    case Internal::initialize: return "initialize";
    case Internal::server_discover: return "server_discover";
    case Internal::list: return "list";
    case Internal::ping: return "ping";
    case Internal::cancel: return "cancel";
    case Internal::session_delete: return "session_delete";
    case Internal::probe_unknown_tool: return "probe_unknown_tool";
    case Internal::subscribe: return "subscribe";
    case Internal::input: return "input";
    case Internal::decline: return "decline";
  }
  return "unknown";
}

}  // namespace callgate::audit
