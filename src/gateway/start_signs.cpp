#include "gateway/start_signs.hpp"

#include "mcp/own_messages.hpp"
#include "mcp/requests.hpp"
#include "upstream/link.hpp"

namespace callgate::gateway {

StartSigns::StartSigns(net::Loop& loop, Channel& channel, const mcp::Message& message, std::uint64_t& turn)
    : channel_(channel), turn_(turn), written_(loop) {
  // Before a session is named nothing can be told of it.
  if (message.is_request() && message.method_id != mcp::MethodId::initialize && channel.streams()) token_ = upstream::progress_token(message);
}

net::Task<void> StartSigns::give() {
  if (channel_.gone()) co_return;
  const std::string note = mcp::waiting_notification(token_, turn_++, "the server is starting");
  writing_ = true;
  co_await channel_.event(note, {});
  writing_ = false;
  written_.notify();
}

net::Task<void> StartSigns::written() {
  while (writing_) co_await written_.wait(std::chrono::seconds(30));
}

}  // namespace callgate::gateway
