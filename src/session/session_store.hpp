#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/loop.hpp"

namespace callgate::session {

/// What is kept of a session, so that it can go on where it was not opened. It
/// opens nothing by itself: the id cannot be told from it.
struct KeptSession {
  std::string name;       ///< `session_name` of the id
  std::string digest;     ///< SHA-256 of the id in hex: what the id is held against
  std::string server;
  std::string address;    ///< of that server: command line or URL
  std::string grant;      ///< empty under `auth: none`
  std::string principal;
  std::string revision;   ///< as agreed with the server
  std::string opening;    ///< the client's `initialize`

  bool operator==(const KeptSession&) const = default;
};

/// What became of a session that was to be kept.
enum class Kept : std::uint8_t {
  now,    ///< it can be found
  later,  ///< it will be kept when that is possible again
  no,     ///< too much waits for that already: it lives where it was opened
};

/// Where sessions are kept beside the memory of the gateway that serves them.
///
/// Without a store (`keeps()` is false) nothing else needs to be called, and no
/// session is ever found. Threads: the loop's.
class SessionStore {
 public:
  static constexpr std::size_t max_opening = 64 * 1024;  ///< longer ones are not kept

  virtual ~SessionStore() = default;
  virtual bool keeps() const = 0;

  /// Keeps a new session; returns when it can be found, or when it cannot be kept
  /// now. Of a grant no more than `most_of_grant` stay at one server: those longest
  /// unused end.
  virtual net::Task<Kept> keep(KeptSession session, std::size_t most_of_grant) = 0;
  /// The session with this id, if it is this grant's, which counts as used by that.
  /// Another's is looked for no longer than one that nobody has (protocol item 21).
  /// Errors: `unavailable`, `timeout`, `closed`: nobody knows.
  virtual net::Task<Result<std::optional<KeptSession>>> find(std::string_view id, std::string_view grant) = 0;
  /// This gateway serves it, or does no longer, without ending it.
  virtual void serves(KeptSession session) = 0;
  virtual void serves_no_longer(std::string_view name) = 0;
  /// It was used just now.
  virtual void used(std::string_view name) = 0;
  /// It is over for everybody.
  virtual void end(std::string_view name) = 0;
  /// A client ended a session that is not found here: should it stand where nobody can
  /// look now, it is over as soon as somebody can. False: that cannot be promised now.
  virtual bool end_unknown(std::string_view /*id*/, std::string_view /*grant*/) { return true; }
  /// Waits until all that ended by now is over wherever it is kept, at most so long.
  virtual net::Task<void> settled(net::Duration most) = 0;
  /// `heard` is told of sessions that this gateway serves and that ended elsewhere, or
  /// because nobody used them.
  virtual void on_end(std::function<void(std::string_view name)> heard) = 0;
  /// `is_busy` tells which have a message under way here: they count as used, and
  /// none of them ends to make room or for want of use.
  virtual void ask_which_are_busy(std::function<bool(std::string_view name)> is_busy) = 0;
};

/// Keeps nothing: a session lives where it was opened.
class NoSessionStore final : public SessionStore {
 public:
  bool keeps() const override { return false; }
  net::Task<Kept> keep(KeptSession /*session*/, std::size_t /*most_of_grant*/) override { return net::Task<Kept>::ready(Kept::no); }
  net::Task<Result<std::optional<KeptSession>>> find(std::string_view /*id*/, std::string_view /*grant*/) override {
    return net::Task<Result<std::optional<KeptSession>>>::ready(std::nullopt);
  }
  void serves(KeptSession /*session*/) override {}
  void serves_no_longer(std::string_view /*name*/) override {}
  void used(std::string_view /*name*/) override {}
  void end(std::string_view /*name*/) override {}
  net::Task<void> settled(net::Duration /*most*/) override { co_return; }
  void on_end(std::function<void(std::string_view name)> /*heard*/) override {}
  void ask_which_are_busy(std::function<bool(std::string_view name)> /*is_busy*/) override {}
};

}  // namespace callgate::session
