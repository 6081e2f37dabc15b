#include "admin/api.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "admin/api_call.hpp"
#include "admin/json_object.hpp"
#include "admin/openapi.hpp"
#include "base/json.hpp"

namespace callgate::admin {
namespace {

/// The segments that stood at the pattern's `*`, or nothing where it does not fit.
std::optional<std::vector<std::string_view>> fits(const std::vector<std::string_view>& pattern,
                                                  const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  std::vector<std::string_view> segments;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (pattern[i] == "*") {
      segments.emplace_back(path[i]);
    } else if (pattern[i] != path[i]) {
      return std::nullopt;
    }
  }
  return segments;
}

/// A body must say that it is JSON: a form of another site's page cannot.
std::optional<ApiResponse> body_refusal(const ApiRequest& request) {
  if (request.body.empty()) return std::nullopt;
  if (request.body.size() > Api::max_body) {
    return answer_error(413, "too_large", fmt::format("a body holds at most {} bytes", Api::max_body));
  }
  if (request.method == "GET") return answer_error(400, "invalid", "a GET has no body");
  if (!request.headers.has("Content-Type")) return std::nullopt;
  const std::string_view type = request.headers.find("Content-Type");
  if (net::same_name(type.substr(0, std::min(type.find_first_of("; \t"), type.size())), "application/json")) {
    return std::nullopt;
  }
  return answer_error(415, "media_type", "send the body as `Content-Type: application/json`");
}

}  // namespace

std::string_view Api::Call::query(std::string_view key) const {
  for (const auto& [name, value] : target.query) {
    if (name == key) return value;
  }
  return {};
}

const std::vector<Api::Route>& Api::routes() {
  static const std::vector<Route> table{
      {"GET", {"api", "v1", "approvals"}, {"state"}, &Api::list_approvals},
      {"GET", {"api", "v1", "approvals", "*"}, {}, &Api::show_approval},
      {"POST", {"api", "v1", "approvals", "*", "approve"}, {}, &Api::approve},
      {"POST", {"api", "v1", "approvals", "*", "deny"}, {}, &Api::deny},
      {"GET", {"api", "v1", "servers"}, {}, &Api::list_servers},
      {"GET", {"api", "v1", "servers", "*", "tools"}, {}, &Api::list_tools},
      {"POST", {"api", "v1", "servers", "*", "pin"}, {}, &Api::pin},
      {"POST", {"api", "v1", "servers", "*", "wishes"}, {}, &Api::start_wish},
      {"GET", {"api", "v1", "wishes"}, {}, &Api::list_wishes},
      {"GET", {"api", "v1", "wishes", "*"}, {}, &Api::show_wish},
      {"GET", {"api", "v1", "wishes", "*", "assets"}, {}, &Api::show_wish_assets},
      {"POST", {"api", "v1", "wishes", "*", "apply"}, {}, &Api::apply_wish},
      {"GET", {"api", "v1", "health"}, {}, &Api::show_health},
      {"GET", {"api", "v1", "openapi.json"}, {}, &Api::show_openapi},
      {"GET", {"metrics"}, {}, &Api::show_metrics},
  };
  return table;
}

Api::Answering Api::handle(const ApiRequest& request) {
  if (std::optional<ApiResponse> refused = guard_.refusal(request)) return Answering::ready(*std::move(refused));
  const Result<Target> target = read_target(request.target);
  if (!target) return Answering::ready(answer_error(target.error()));

  std::string allowed;
  for (const Route& route : routes()) {
    auto segments = fits(route.path, target->path);
    if (!segments) continue;
    if (route.method != request.method) {
      allowed = route.method;
      continue;
    }
    for (const auto& [key, value] : target->query) {
      if (std::ranges::find(route.query, key) == route.query.end()) {
        return Answering::ready(answer_error(400, "invalid", fmt::format("`{}` is no parameter of this request", key)));
      }
    }
    if (std::optional<ApiResponse> refused = body_refusal(request)) return Answering::ready(*std::move(refused));
    return (this->*route.answer)({.request = request, .target = *target, .segments = *std::move(segments)});
  }
  if (allowed.empty()) return Answering::ready(answer_error(404, "not_found", "there is nothing at this path; see /api/v1/openapi.json"));
  ApiResponse refused = answer_error(405, "method", fmt::format("this path takes {} only", allowed));
  refused.headers.emplace_back("Allow", allowed);
  return Answering::ready(std::move(refused));
}

Result<std::vector<std::string>> read_text_members(std::string_view body, std::span<const std::string_view> keys) {
  std::vector<std::string> out(keys.size());
  if (body.empty()) return out;
  json::Document document;
  const Result<void> parsed = json::parse(body, {.max_depth = 16, .max_keys = 1'000}, document);
  if (!parsed) return std::unexpected(parsed.error());
  if (!document.root().is_object()) return fail(ErrorKind::invalid, "the body must be a JSON object");

  for (const json::Member member : document.root().members()) {
    const std::string key = member.key.string();
    const auto known = std::ranges::find(keys, key);
    if (known == keys.end()) return fail(ErrorKind::invalid, fmt::format("`{}` is no member of this body", key));
    if (!member.value.is_string()) return fail(ErrorKind::invalid, fmt::format("`{}` must be a string", key));
    out[static_cast<std::size_t>(known - keys.begin())] = member.value.string();
  }
  return out;
}

Api::Answering Api::show_health(const Call& /*call*/) { return finish_health(parts_.health.health()); }

/// Questions that cannot be counted are among the faults.
Api::Answering Api::finish_health(Health health) {
  const Result<std::size_t> waiting = co_await parts_.questions.waiting(approval::Moment::of(parts_.clock));
  if (!waiting) health.faults.push_back(fmt::format("approvals cannot be asked, answered or used: {}", waiting.error().message));
  JsonObject object;
  object.text("status", health.faults.empty() ? "ok" : "degraded")
      .text("version", health.version)
      .text("instance", health.instance)
      .text("started_at", utc_text(health.started_ms))
      .text("time", utc_text(parts_.clock.wall_ms()))
      .number("approvals_waiting", waiting.value_or(0))
      .texts("faults", health.faults);
  co_return answer_json(200, object.done());
}

Api::Answering Api::show_metrics(const Call& /*call*/) {
  return Answering::ready(answer_text(200, "text/plain; version=0.0.4; charset=utf-8", parts_.metrics.prometheus()));
}

Api::Answering Api::show_openapi(const Call& /*call*/) { return Answering::ready(answer_json(200, std::string(openapi_text()))); }

}  // namespace callgate::admin
