#include "cli/admin_front.hpp"

namespace callgate::cli {

net::Task<void> AdminFront::handle(net::HttpExchange& exchange) {
  const net::RequestHead& head = exchange.head();
  const admin::ApiRequest request{.method = head.method, .target = head.target, .headers = head.headers, .body = exchange.body(), .door = door_};
  const bool for_page = page_ != nullptr && admin::ApprovalPage::serves(head.target);
  net::Task<admin::ApiResponse> answering = for_page ? page_->handle(request) : api_.handle(request);
  const admin::ApiResponse response = co_await answering;
  std::string headers;
  for (const auto& [name, value] : response.headers) headers += name + ": " + value + "\r\n";
  co_await exchange.respond(response.status, headers, response.body);
}

std::string AdminFront::refused(int status, const Error& error, const net::Address& /*peer*/) {
  return admin::answer_error(status, "malformed", error.message).body;
}

}  // namespace callgate::cli
