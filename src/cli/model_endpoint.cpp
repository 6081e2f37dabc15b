#include "cli/model_endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "generate/wish_model.hpp"
#include "net/post_once.hpp"

namespace callgate::cli {
namespace {

constexpr std::string_view chat_path = "/chat/completions";

/// Bytes that a header's value may hold (RFC 9110 section 5.5).
bool fits_header(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool stays_here(const net::Url& url) {
  if (url.host == "localhost") return true;
  const auto address = net::Address::numeric(url.host, url.port);
  return address && address->is_loopback();
}

/// `…/v1` and `…/v1/chat/completions` name the same endpoint.
std::string target_of(const std::string& said) {
  const std::size_t query = std::min(said.find('?'), said.size());
  std::string target = said.substr(0, query);
  while (target.ends_with('/')) target.pop_back();
  if (!target.ends_with(chat_path)) target += chat_path;
  return target + said.substr(query);
}

std::string headers_of(const ModelEndpoint& endpoint) {
  std::string headers = "Content-Type: application/json\r\nAccept: application/json\r\n";
  if (!endpoint.key.empty()) headers.append("Authorization: Bearer ").append(endpoint.key.reveal()).append("\r\n");
  return headers;
}

std::string status_fault(int status) {
  if (status >= 300 && status < 400) return fmt::format("it answers {}, and redirects are not followed: give the address that it names", status);
  if (status == 401 || status == 403) return fmt::format("it answers {}: look at `CALLGATE_MODEL_KEY`", status);
  if (status == 404) return "it answers 404: look at `CALLGATE_MODEL_URL`, and at `CALLGATE_MODEL_NAME`";
  if (status == 400 || status == 422) return fmt::format("it answers {}: name a model that it knows by `CALLGATE_MODEL_NAME`", status);
  return fmt::format("it answers {}", status);
}

}  // namespace

Result<std::optional<ModelEndpoint>> model_endpoint(const config::Environment& environment) {
  const auto said = environment.variable("CALLGATE_MODEL_URL");
  if (!said || said->empty()) return std::nullopt;
  auto url = net::Url::parse(*said);
  if (!url) return fail(ErrorKind::invalid, "`CALLGATE_MODEL_URL` is no http or https address");
  ModelEndpoint endpoint{.url = std::move(*url), .key = Secret(environment.variable("CALLGATE_MODEL_KEY").value_or("")), .model = environment.variable("CALLGATE_MODEL_NAME").value_or("")};
  endpoint.url.target = target_of(endpoint.url.target);
  if (!fits_header(endpoint.key.reveal())) return fail(ErrorKind::invalid, "`CALLGATE_MODEL_KEY` holds a blank or another character that no key has");
  if (!endpoint.key.empty() && !endpoint.url.tls && !stays_here(endpoint.url))
    return fail(ErrorKind::invalid, "`CALLGATE_MODEL_URL` would send the key in the clear: use https, or an address of this machine");
  return endpoint;
}

Result<std::string> ask_model(const ModelEndpoint& endpoint, const std::string& body, const std::stop_token& stop) {
  const net::Post post{.url = endpoint.url, .headers = headers_of(endpoint), .body = body, .max_answer = generate::max_model_answer, .patience = endpoint.patience};
  auto posted = net::post_once(post, stop);
  if (!posted) return std::unexpected(posted.error());
  if (posted->status != 200) return fail(ErrorKind::unavailable, status_fault(posted->status));
  return std::move(posted->body);
}

}  // namespace callgate::cli
