#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/error.hpp"

/// Memory that large answers take up while they are read and passed on, whatever
/// they come over.
namespace callgate::net {

/// Whose an answer counts as. Asked once, where it is large.
class ReplyOwner {
 public:
  virtual ~ReplyOwner() = default;
  /// Empty: the gateway's own, which takes nobody's share.
  virtual std::string caller() const { return {}; }
};

/// Bounds that memory: over all servers; of each server to a quarter, so that none
/// takes the others' room; for each caller to an eighth, so that one who reads slowly
/// takes neither all of it nor all of one server's. Threads: the loop's.
class ReplyRoom {
 public:
  static constexpr std::size_t large = std::size_t{16} << 10U;  ///< smaller ones are not counted

  explicit ReplyRoom(std::size_t most = usual) : most_(most) {}
  /// Room in which a caller finds place for one answer of that size, also while it grows by doubling.
  static std::size_t most_for(std::size_t largest_answer) { return std::max(usual, 2 * of_caller * largest_answer); }

 private:
  friend class ReplyPart;
  static constexpr std::size_t usual = std::size_t{256} << 20U;
  static constexpr std::size_t of_server = 4;
  static constexpr std::size_t of_caller = 8;
  using Held = std::unordered_map<std::string, std::size_t>;
  Result<void> take(const std::string& server, const std::string& caller, std::size_t bytes);
  void give_back(const std::string& server, const std::string& caller, std::size_t bytes);

  std::size_t most_;
  std::size_t taken_ = 0;
  Held servers_;
  Held callers_;
};

/// What one answer takes up; gives it back at its end.
class ReplyPart {
 public:
  ReplyPart(std::shared_ptr<ReplyRoom> room, std::string server, std::string caller) : room_(std::move(room)), server_(std::move(server)), caller_(std::move(caller)) {}
  ~ReplyPart() { keep(0); }
  ReplyPart(const ReplyPart&) = delete;
  ReplyPart& operator=(const ReplyPart&) = delete;

  std::size_t bytes() const { return bytes_; }
  /// To so many bytes in all. Error `unavailable`: there is no room, and it is as it was.
  Result<void> grow(std::size_t bytes);
  /// It takes up no more than so many now.
  void keep(std::size_t bytes);

 private:
  std::shared_ptr<ReplyRoom> room_;
  std::string server_;
  std::string caller_;
  std::size_t bytes_ = 0;
};

/// The room for answers of one server.
struct ServerRoom {
  std::shared_ptr<ReplyRoom> room;  ///< with other servers; null: they are not counted
  std::string server;

  /// An answer takes up so many bytes in all until its part ends; the first count of a large one makes the part.
  /// `owner` may be null: the gateway itself. Error `unavailable`: there is no room.
  Result<void> count(std::unique_ptr<ReplyPart>& part, std::size_t bytes, const ReplyOwner* owner) const {
    if (!room || bytes <= ReplyRoom::large || (part && bytes <= part->bytes())) return {};
    return count_large(part, bytes, owner);
  }
  /// It takes up no more than so many now.
  static void keep(std::unique_ptr<ReplyPart>& part, std::size_t bytes) {
    if (part && bytes <= ReplyRoom::large) part.reset();
    if (part) part->keep(bytes);
  }

 private:
  Result<void> count_large(std::unique_ptr<ReplyPart>& part, std::size_t bytes, const ReplyOwner* owner) const;
};

}  // namespace callgate::net
