#pragma once

#include <string>
#include <string_view>

#include "net/http_client.hpp"
#include "upstream/link.hpp"

/// What the two transports over HTTP say of an exchange that went wrong, and how
/// they look at heads of answers. Where and why a server cannot be reached is for
/// the log (`Error::where`), not for an agent.
namespace callgate::upstream {

/// Header values that came from a server go back to it only if they are plain.
bool is_visible_ascii(std::string_view text);

bool has_media_type(std::string_view value, std::string_view type);

/// The answer is compressed, which nobody offered.
bool is_compressed(const net::HttpReply& reply);

Failure not_exchanged(net::SendFailure failure);

/// A status that is no answer to a message.
Failure refused_by_server(int status, bool session_unknown);

}  // namespace callgate::upstream
