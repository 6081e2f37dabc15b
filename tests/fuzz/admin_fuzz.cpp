// A method, a target and a body, a line each, to the admin API through both
// doors: every answer is whole, and no request but a well formed POST to the
// one right path changes a question.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "admin/api_world.hpp"
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

bool is_json(const std::string& text) {
  json::Document document;
  return json::parse(text, {}, document).has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string shown = approval::visible(rest);
  must(approval::visible(shown) == shown);

  admin::ApiWorld world;
  const approval::Asked asked = world.ask();
  admin::ApiRequest request{.method = take_line(rest), .target = take_line(rest), .headers = {}, .body = {}};
  request.body = rest;
  must(world.send(request).status == 403);  // no Host

  request.door = admin::Door::local_socket;
  const admin::ApiResponse response = world.send(request);
  must(response.status >= 200 && response.status < 600);
  must(request.target == "/metrics" || request.target.starts_with("/metrics?") || is_json(response.body) ||
       response.status == 200);
  must(world.desk.find(asked.approval.id)->state == approval::State::waiting ||
       (request.method == "POST" && response.status == 200));
  return 0;
}
