// A method, a target and a body, a line each, to the admin API through both
// doors and to the approval page: every answer is whole, no request but a well
// formed POST to the one right path changes a question, and no text of others
// becomes markup.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "admin/api_world.hpp"
#include "admin/form.hpp"
#include "admin/html.hpp"
#include "admin/page.hpp"
#include "approval/display.hpp"
#include "base/json.hpp"

using namespace callgate;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

std::string_view take_line(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  return line;
}

/// The page to somebody who knows the listener and not the token: it answers
/// nothing, and what it shows holds no markup that is not the program's.
void knock_at_page(const admin::ApiRequest& sent, admin::ApiWorld& world) {
  NullLog log;
  admin::ApprovalPage page({.questions = world.questions, .clock = world.clock, .log = log},
                           admin::Guard(Secret(std::string(admin::kToken)), admin::access_of("127.0.0.1:8809")));
  admin::ApiRequest request = sent;
  request.headers.add({"Host", "127.0.0.1:8809"});
  request.headers.add({"Origin", "http://127.0.0.1:8809"});
  request.headers.add({"Content-Type", "application/x-www-form-urlencoded"});
  std::optional<admin::ApiResponse> response;
  net::TaskGroup group;
  group.spawn(admin::ApiWorld::answer(page.handle(request), response));
  must(response && response->status >= 200 && response->status < 600);
}

void write_page_of(std::string_view text) {
  const std::string escaped = admin::Html().text(text).done();
  const std::string laid_out = admin::Html().json(text).done();
  for (const std::string& each : {escaped, laid_out}) must(each.find_first_of("<>\"'") == std::string::npos);
  constexpr std::array<std::string_view, 4> keys{"proof", "shown", "answer", "reason"};
  const auto fields = admin::read_form(text, keys);
  must(!fields || fields->size() == keys.size());
}

bool is_json(const std::string& text) {
  json::Document document;
  return json::parse(text, {}, document).has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string shown = approval::visible(rest);
  must(approval::visible(shown) == shown);

  write_page_of(rest);
  admin::ApiWorld world;
  const approval::Asked asked = world.ask();
  admin::ApiRequest request{.method = take_line(rest), .target = take_line(rest), .headers = {}, .body = {}};
  request.body = rest;
  must(world.send(request).status == 403);  // no Host
  knock_at_page(request, world);
  must(world.desk.find(asked.approval.id)->state == approval::State::waiting);

  request.door = admin::Door::local_socket;
  const admin::ApiResponse response = world.send(request);
  must(response.status >= 200 && response.status < 600);
  must(request.target == "/metrics" || request.target.starts_with("/metrics?") || is_json(response.body) ||
       response.status == 200);
  must(world.desk.find(asked.approval.id)->state == approval::State::waiting ||
       (request.method == "POST" && response.status == 200));
  return 0;
}
