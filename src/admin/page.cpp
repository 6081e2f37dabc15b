#include "admin/page.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "admin/form.hpp"
#include "admin/page_text.hpp"
#include "admin/target.hpp"
#include "base/ids.hpp"
#include "base/random.hpp"

namespace callgate::admin {
namespace {

using approval::Approval;
using approval::Moment;

constexpr std::string_view answerer = "operator (approval page)";
constexpr std::size_t max_reason = 1'000;  ///< bytes; it is one sentence for the agent
constexpr std::string_view sign_in_first = "Sign in first; then open the question again.";
constexpr std::string_view nothing_here = "There is no question of this id here. It was answered long ago, or belongs to another gateway.";

/// Browsers send a cookie to every port of a host. Named by the port that was asked,
/// the sign-ins of two gateways on one host do not take each other's place.
std::string cookie_name(const net::Headers& headers) {
  const std::string_view host = headers.find("Host");
  const std::size_t colon = host.rfind(':');
  const std::string_view port = colon == std::string_view::npos ? std::string_view{} : host.substr(colon + 1);
  const bool named = !port.empty() && port.find_first_not_of("0123456789") == std::string_view::npos;
  return named ? fmt::format("callgate_approve_{}=", port) : std::string("callgate_approve=");
}

/// The value of our cookie; empty where there is none, or more than one.
std::string_view cookie_of(const net::Headers& headers) {
  const std::string name = cookie_name(headers);
  std::string_view found;
  for (const net::Header& header : headers.all()) {
    if (!net::same_name(header.name, "Cookie")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      std::string_view each = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(each.size() + 1, rest.size()));
      each.remove_prefix(std::min(each.find_first_not_of(' '), each.size()));
      if (!each.starts_with(name)) continue;
      if (!found.empty()) return {};
      found = each.substr(name.size());
    }
  }
  return found;
}

bool is_form(const ApiRequest& request) {
  const std::string_view type = request.headers.find("Content-Type");
  return net::same_name(type.substr(0, std::min(type.find_first_of("; \t"), type.size())), "application/x-www-form-urlencoded");
}

/// What a person reads where questions cannot be read or answered.
ApiResponse failed(const Error& error) {
  return message_page(503, fmt::format("The question cannot be read or answered now: {}. Try again.", error.message));
}

}  // namespace

struct ApprovalPage::Given {
  std::string id;
  std::string shown;   ///< digest of the arguments that stood on the page
  std::string proof;   ///< was right when this was read
  approval::Answer answer = approval::Answer::no;
  std::string reason;
};

bool ApprovalPage::serves(std::string_view target) {
  constexpr std::string_view path = "/approve";
  return target.starts_with(path) && (target.size() == path.size() || target[path.size()] == '/' || target[path.size()] == '?');
}

ApprovalPage::Answering ApprovalPage::handle(const ApiRequest& request) {
  if (const auto from = guard_.foreign_to_page(request)) return Answering::ready(message_page(403, from->message));
  const Result<Target> target = read_target(request.target);
  const bool known = target && target->query.empty() && target->path.size() >= 2 && target->path[0] == "approve" && is_ulid(target->path[1]);
  const bool signs_in = known && target->path.size() == 3 && target->path[2] == "sign-in";
  if (!known || (target->path.size() > 2 && !signs_in)) return Answering::ready(message_page(404, "There is nothing at this address."));
  const bool get = request.method == "GET";
  if ((get && signs_in) || (!get && request.method != "POST")) {
    ApiResponse refused = message_page(405, "This address does not take that.");
    refused.headers.emplace_back("Allow", signs_in ? "POST" : "GET, POST");
    return Answering::ready(std::move(refused));
  }
  const std::string_view id = target->path[1];
  if (get) return show(request, id);
  if (!is_form(request)) return Answering::ready(message_page(415, "Answer by the form on the page."));
  return signs_in ? sign_in(request, id) : take_answer(request, id);
}

ApprovalPage::Answering ApprovalPage::show(const ApiRequest& request, std::string_view id) {
  const std::string_view cookie = cookie_of(request.headers);
  if (!sign_ins_.knows(cookie, parts_.clock.now())) return Answering::ready(sign_in_page(200, id, {}));
  return finish_show(std::string(id), std::string(cookie));
}

ApprovalPage::Answering ApprovalPage::finish_show(std::string id, std::string cookie) {
  const auto found = co_await parts_.questions.find(id, Moment::of(parts_.clock));
  if (!found) co_return failed(found.error());
  if (!*found) co_return message_page(404, nothing_here);
  const auto proof = sign_ins_.proof(cookie, id, (*found)->question.binding.args_digest, parts_.clock.now());
  co_return proof ? question_page(200, **found, *proof, {}) : sign_in_page(200, id, {});
}

ApprovalPage::Answering ApprovalPage::sign_in(const ApiRequest& request, std::string_view id) {
  const BootTime now = parts_.clock.now();
  constexpr std::array<std::string_view, 1> keys{"token"};
  const auto fields = read_form(request.body, keys);
  if (!fields) return Answering::ready(message_page(400, fields.error().message));
  if (!guard_.is_token(fields->front())) {
    if (!sign_ins_.wrong_token(now)) {
      ApiResponse refused = sign_in_page(429, id, "That is not the token, as many before it were not. Wait a minute.");
      refused.headers.emplace_back("Retry-After", std::to_string(SignIns::window.count()));
      return Answering::ready(std::move(refused));
    }
    parts_.log.warn("approval_sign_in_refused", {{"approval", id}});
    return Answering::ready(sign_in_page(403, id, "That is not the token."));
  }
  parts_.log.info("approval_signed_in");
  ApiResponse response = see_other(fmt::format("/approve/{}", id));
  response.headers.emplace_back("Set-Cookie", fmt::format("{}{}; HttpOnly; SameSite=Strict; Path=/approve; Max-Age={}{}", cookie_name(request.headers), sign_ins_.begin(now),
                                                          std::chrono::seconds(SignIns::lasts).count(), parts_.public_url.starts_with("https://") ? "; Secure" : ""));
  return Answering::ready(std::move(response));
}

ApprovalPage::Answering ApprovalPage::take_answer(const ApiRequest& request, std::string_view id) {
  constexpr std::array<std::string_view, 4> keys{"proof", "shown", "answer", "reason"};
  auto fields = read_form(request.body, keys);
  if (!fields) return Answering::ready(message_page(400, fields.error().message));
  const std::string& answer = (*fields)[2];
  const auto proof = sign_ins_.proof(cookie_of(request.headers), id, (*fields)[1], parts_.clock.now());
  if (!proof) return Answering::ready(sign_in_page(403, id, sign_in_first));
  if (!constant_time_equal((*fields)[0], *proof))
    return Answering::ready(message_page(403, "This answer does not come from the page that was shown to you. Open the question again."));
  if (answer != "approve" && answer != "deny") return Answering::ready(message_page(400, "The form says neither yes nor no."));
  if ((*fields)[3].size() > max_reason) return Answering::ready(message_page(400, "Your words are too long: 1,000 bytes at most."));
  return finish_answer({.id = std::string(id),
                        .shown = std::move((*fields)[1]),
                        .proof = *proof,
                        .answer = answer == "approve" ? approval::Answer::yes : approval::Answer::no,
                        .reason = std::move((*fields)[3])});
}

ApprovalPage::Answering ApprovalPage::finish_answer(Given given) {
  const auto found = co_await parts_.questions.find(given.id, Moment::of(parts_.clock));
  if (!found) co_return failed(found.error());
  if (!*found) co_return message_page(404, nothing_here);
  if ((*found)->question.binding.args_digest != given.shown)
    co_return message_page(409, "The arguments are not those that you were shown. Nothing was answered; open the question again.");
  const auto answered = co_await parts_.questions.answer(given.id, given.answer, std::string(answerer), given.reason, Moment::of(parts_.clock));
  if (answered) {
    parts_.log.info("approval_answered", {{"approval", given.id}, {"state", word(answered->state)}, {"by", answerer}});
    co_return see_other(fmt::format("/approve/{}", given.id));
  }
  if (answered.error().kind == ErrorKind::not_found) co_return message_page(404, nothing_here);
  if (answered.error().kind != ErrorKind::conflict) co_return failed(answered.error());
  const auto now = co_await parts_.questions.find(given.id, Moment::of(parts_.clock));
  if (!now || !*now) co_return message_page(409, answered.error().message);
  co_return question_page(409, **now, given.proof, "Your answer came too late, and changed nothing.");
}

}  // namespace callgate::admin
