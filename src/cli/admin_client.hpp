#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

/// How commands speak to running gateways: the admin API over each one's socket
/// `DATA/run/<instance>.sock`, one short request after the other. It blocks,
/// within time limits; a command has no loop.
namespace callgate::cli {

struct AdminReply {
  int status = 0;
  std::string body;
};

struct AdminLimits {
  std::chrono::milliseconds time{5'000};   ///< from connect to the last byte
  std::size_t head_bytes = 32 * 1024;
  std::size_t body_bytes = 128 * 1024 * 1024;
};

/// The sockets in `data`/run, sorted by name; none where the folder is missing.
/// Errors: `unavailable` (the folder cannot be read).
Result<std::vector<std::filesystem::path>> gateway_sockets(const std::filesystem::path& data);

/// Takes away the sockets of gateways that ended without doing it: those nobody
/// listens on. Answers how many.
std::size_t remove_dead_sockets(const std::filesystem::path& data);

/// One request to one gateway. Errors: `not_found` (nobody listens there any
/// more), `refused` (the listener is another user's process), `timeout`,
/// `closed`, `too_large`, `malformed` (no HTTP answer of known length),
/// `unavailable`.
Result<AdminReply> ask_gateway(const std::filesystem::path& socket, std::string_view method, std::string_view target,
                               std::string_view body = {}, const AdminLimits& limits = {});

/// What all gateways of a data folder answer to one request.
struct AdminReplies {
  struct One {
    std::filesystem::path socket;
    AdminReply reply;
  };
  std::vector<One> replies;
  std::vector<Error> faults;  ///< of those that live but did not answer; `where` names the socket
};

/// Asks every gateway of `data`; sockets that nobody listens on are left out.
Result<AdminReplies> ask_gateways(const std::filesystem::path& data, std::string_view method, std::string_view target,
                                  const AdminLimits& limits = {});

}  // namespace callgate::cli
