#include "aggregate/company.hpp"

#include <algorithm>

#include "mcp/message.hpp"

namespace callgate::aggregate {

namespace {

constexpr std::size_t most_asked = 200;  ///< of one server

}  // namespace

std::optional<Asked> Company::take_asked(std::string_view id) {
  const auto found = std::ranges::find_if(asked, [id](const Asked& each) { return mcp::same_id(each.id, id); });
  if (found == asked.end()) return std::nullopt;
  Asked taken = std::move(*found);
  asked.erase(found);
  return taken;
}

const Asked* Company::find_asked(std::string_view id) const {
  const auto found = std::ranges::find_if(asked, [id](const Asked& each) { return mcp::same_id(each.id, id); });
  return found == asked.end() ? nullptr : &*found;
}

std::optional<Asked> Company::take_original(const gateway::Conversation& conversation, std::string_view original) {
  const auto found = std::ranges::find_if(asked, [&](const Asked& each) {
    return each.conversation.lock().get() == &conversation && mcp::same_id(each.original, original);
  });
  if (found == asked.end()) return std::nullopt;
  Asked taken = std::move(*found);
  asked.erase(found);
  return taken;
}

void Company::remember(Asked each) {
  const auto of_it = [&](const Asked& other) { return other.server == each.server; };
  if (static_cast<std::size_t>(std::ranges::count_if(asked, of_it)) >= most_asked) asked.erase(std::ranges::find_if(asked, of_it));
  asked.push_back(std::move(each));
}

}  // namespace callgate::aggregate
