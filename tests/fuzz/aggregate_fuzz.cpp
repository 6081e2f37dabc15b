// A message of a server and a name of a client, a line each, where servers share
// an address: what is shown is a whole message, a request's id finds back to the
// one that the server wrote, and a name that is shown leads back to its server.

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "aggregate/names.hpp"
#include "aggregate/ways_back.hpp"
#include "base/utf8.hpp"
#include "upstream/link.hpp"

using namespace callgate;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

bool is_whole(std::string_view bytes) {
  json::Document document;
  return mcp::read_message(bytes, document, mcp::Direction::from_server, upstream::whole_answer).has_value();
}

void show(std::string_view bytes) {
  net::Loop loop;
  aggregate::Company company(loop, {}, {});
  const auto conversation = std::make_shared<gateway::Conversation>();
  company.members["two"].conversation = conversation;
  [[maybe_unused]] const std::string taken = company.uris.shown("one", "one", "demo://both");
  json::Document document;
  const auto message = mcp::read_message(bytes, document, mcp::Direction::from_server, upstream::whole_answer);
  const auto shown = aggregate::shown_message(company, "two", bytes);
  must(!shown || (message && is_whole(*shown)));
  if (shown && message->is_request()) {
    must(company.asked.size() == 1);
    const auto asked = company.take_asked(company.asked.front().id);
    must(asked && asked->original == message->id_text && asked->server == "two");
  }
  for (const mcp::MethodId of : {mcp::MethodId::tools_call, mcp::MethodId::tasks_get}) {
    const std::string answer = aggregate::shown_answer(company, "two", of, bytes);
    // What was read as an answer before stays one; the gate's own hold keys that a server's may not.
    must(answer.empty() || !message || is_whole(answer));
    json::Document any;
    must(answer.empty() || json::parse(answer, upstream::whole_answer, any).has_value());
  }
}

void name(std::string_view text) {
  const std::string slug = aggregate::slug_of(text);
  must(slug.size() <= aggregate::longest_slug && !slug.contains("__") && !slug.ends_with('_'));
  if (text.empty() || !is_utf8(text)) return;  // names are read from messages, which are UTF-8
  const std::string shown = aggregate::shown_name("two", text);
  must(shown.size() <= aggregate::longest_name);
  const auto split = aggregate::split_name(shown);
  must(split && split->slug == "two");
  must(split->name == text || aggregate::may_be_cut(shown));
  const std::string shown_task = aggregate::shown_task("two", text);
  const auto task = aggregate::split_name(shown_task);
  must(task && task->name == text);
  aggregate::UriBook book;
  const std::string first = book.shown("one", "one", text);
  const std::string second = book.shown("two", "two", text);
  must(first != second);
  const auto wrapped = aggregate::UriBook::unwrap(second);
  must(wrapped && wrapped->slug == "two" && wrapped->uri == text);
  Steps steps(aggregate::UriBook::most_steps);
  [[maybe_unused]] const bool may = aggregate::may_come_of(text, text, steps);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\n');
  name(input.substr(0, end));
  if (end != std::string_view::npos) show(input.substr(end + 1));
  return 0;
}
