#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admin/api.hpp"
#include "approval/memory_questions.hpp"
#include "base/ids.hpp"
#include "net/loop.hpp"

namespace callgate::admin {

struct FakeDirectory final : ServerDirectory {
  std::vector<ServerEntry> servers() const override { return entries; }
  Result<std::vector<ToolEntry>> tools(std::string_view server) const override {
    if (server != "valkey") return fail(ErrorKind::not_found, "no server of this name");
    return tool_entries;
  }
  Result<std::vector<LeftOutEntry>> left_out(std::string_view /*server*/) const override { return left_out_entries; }
  Result<std::vector<std::string>> pin(std::string_view server, const PinRequest& request) override {
    asked.emplace_back(server);
    asked.push_back(request.tool);
    asked.push_back(request.fingerprint);
    return pinned;
  }
  std::vector<ServerEntry> entries;
  std::vector<ToolEntry> tool_entries;
  std::vector<LeftOutEntry> left_out_entries;
  std::vector<std::string> asked;
  Result<std::vector<std::string>> pinned = std::vector<std::string>{"valkey_write"};
};

struct FakeHealth final : HealthSource {
  Health health() const override { return state; }
  Health state{.version = "0.1.0", .instance = "i1", .started_ms = 1'750'000'000'000, .faults = {}};
};

/// Drafts when the test says so.
struct FakeDrafter final : PolicyDrafter {
  Result<void> begin(std::string_view server, std::string wish, Done done) override {
    if (server != "valkey") return fail(ErrorKind::not_found, "no server of this name");
    wishes.push_back(std::move(wish));
    waiting.push_back(std::move(done));
    return {};
  }
  Result<std::string> apply(const PolicyDraft& draft) override {
    if (written) applied.push_back(draft.text);
    return written;
  }
  /// The one that has waited longest is done.
  void finish(PolicyDraft draft) {
    const Done done = std::move(waiting.front());
    waiting.erase(waiting.begin());
    done(std::move(draft));
  }
  std::vector<std::string> wishes;
  std::vector<Done> waiting;
  std::vector<std::string> applied;
  Result<std::string> written = std::string("sha256:new");
};

/// What the listener of the tests is called by.
inline session::AccessList access_of(std::string_view listener) {
  config::Config config;
  config.hosts = {"gate.example", "named.example:8809"};
  config.public_url = "https://public.example:8443/gate";
  session::AccessList access(config);
  access.accept_listener(*config::parse_endpoint(listener));
  return access;
}

inline constexpr std::string_view kToken = "0123456789abcdef0123456789abcdef0123456789a";

/// An API with fakes on all sides; `get` and `post` come through the local socket.
struct ApiWorld {
  using Header = net::Header;

  ApiResponse send(ApiRequest request) {
    std::optional<ApiResponse> response;
    net::TaskGroup group;
    group.spawn(answer(api.handle(request), response));
    return std::move(response.value());  // from memory: there at once
  }
  static net::Task<void> answer(net::Task<ApiResponse> answering, std::optional<ApiResponse>& out) { out = co_await answering; }
  ApiResponse get(std::string_view target) {
    return send({.method = "GET", .target = target, .headers = {}, .body = {}, .door = Door::local_socket});
  }
  ApiResponse post(std::string_view target, std::string_view body = {}) {
    return send({.method = "POST", .target = target, .headers = {}, .body = body, .door = Door::local_socket});
  }
  ApiResponse knock(std::vector<Header> headers, std::string_view target = "/api/v1/health") {
    ApiRequest request{.method = "GET", .target = target, .headers = {}, .body = {}, .door = Door::listener};
    for (const Header& header : headers) request.headers.add(header);
    return send(request);
  }

  approval::Asked ask(std::string_view tool = "valkey_write", std::string_view arguments = R"({"key":"a"})") {
    approval::Question question{.binding = {.grant = "g1",
                                            .session = {},
                                            .server = "valkey",
                                            .address = "uvx awslabs.valkey-mcp-server",
                                            .tool = std::string(tool),
                                            .args_digest = "sha256:aa",
                                            .definition = "sha256:dd",
                                            .rule_digest = "sha256:rr"},
                                .arguments = std::string(arguments),
                                .bytes = {},
                                .session = "s1",
                                .rule = "/tools/valkey_write",
                                .reason = "writes need a look",
                                .timeout = std::chrono::seconds(600)};
    return *desk.ask(std::move(question), nullptr, approval::Moment::of(clock));
  }

  FakeClock clock;
  IdSource ids;
  approval::Desk desk{[this](std::int64_t wall_ms) { return ids.next(wall_ms); }};
  FakeDirectory directory;
  FakeHealth health;
  Metrics metrics;
  approval::MemoryQuestions questions{desk};
  FakeDrafter drafter;
  Api api{{.questions = questions, .servers = directory, .health = health, .metrics = metrics, .clock = clock, .drafter = drafter},
          Guard(Secret(std::string(kToken)), access_of("10.0.0.5:8809"))};
};

}  // namespace callgate::admin
