#pragma once

#include "net/http_server.hpp"

namespace callgate::net {

/// One client connection of the server: reads requests one after another.
class HttpConnection : public ListNode {
 public:
  HttpConnection(HttpServer& server, std::unique_ptr<Stream> stream, const Address& peer);
  ~HttpConnection();

  Task<void> serve();
  void close_if_idle();
  void drop();  ///< breaks the connection; its task ends by itself
  const std::string& ip() const { return ip_; }
  bool waits_for_request() const { return !busy_; }

 private:
  friend class HttpExchange;
  /// False: the client closed between two requests, which is no fault.
  Task<Result<bool>> read_head();
  Result<void> check_head() const;
  Result<void> parse_head();
  Task<Received> receive();
  Task<Result<void>> read_body();
  Task<Result<void>> read_chunks();
  Result<void> count_body(std::size_t bytes);
  void uncount_body();
  Result<void> make_room_for_body();
  Task<Result<void>> fill(Duration limit);
  Duration idle_limit() const;
  Duration body_limit(std::size_t arrived) const;
  void begin_work();
  void end_work();
  Task<bool> pass_over_body();
  Task<Received> receive_rest();
  Task<bool> end_with(Task<Result<void>> writing);
  Task<bool> end_together(std::string_view rest);
  Task<bool> end_later(Task<Result<void>> writing);
  Task<void> refuse(Error error);
  Task<void> linger();
  void settle_unread_body();

  HttpServer& server_;
  std::unique_ptr<Stream> stream_;
  Address peer_;
  std::string ip_;
  Buffer in_;
  std::size_t head_bytes_ = 0;
  std::size_t message_bytes_ = 0;  ///< of `in_` that the current request takes, as far as it was read
  std::size_t counted_body_ = 0;   ///< of this request, in the server's sum
  std::string holder_;             ///< whose share of the sum it is; empty: the address's
  RequestHead head_;
  std::string decoded_;            ///< body that came chunked
  std::string_view body_;
  std::optional<Error> fault_;     ///< why the body could not be read
  TurnShare share_;
  std::string out_;
  Instant started_;                ///< first byte of the current request
  Instant body_started_{};         ///< when its body was first waited for
  bool unread_ = false;            ///< a body follows that nobody has read
  bool busy_ = false;              ///< a complete request is being answered
  bool begun_ = false;
  bool ended_ = false;
  bool streaming_ = false;
  bool writing_ = false;           ///< a piece of a stream is on its way
  bool head_only_ = false;         ///< the current request wants no body back
  bool keep_ = true;
  bool served_ = false;            ///< a request was answered
};

}  // namespace callgate::net
