#include "admin/api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/api_world.hpp"
#include "admin/openapi.hpp"
#include "base/json.hpp"

namespace callgate::admin::api_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::unique_ptr<json::OwnedDocument> read(const ApiResponse& response) {
  auto document = json::OwnedDocument::parse(response.body);
  EXPECT_TRUE(document) << response.body;
  return *std::move(document);
}

std::string member(const ApiResponse& response, std::string_view key) {
  const auto document = read(response);
  const auto value = document->root().find(key);
  if (!value) return "(absent)";
  return value->is_string() ? value->string() : std::string(value->text());
}

TEST(Api, ListsWaitingApprovalsWithEveryMemberOfTheContract) {
  ApiWorld world;
  const auto asked = world.ask();
  const ApiResponse response = world.get("/api/v1/approvals?state=waiting");
  EXPECT_EQ(response.status, 200);
  const auto document = read(response);
  const json::Value list = *document->root().find("approvals");
  ASSERT_EQ(list.size(), 1U);
  const json::Value first = *list.elements().begin();
  EXPECT_TRUE(first.find("id")->equals(asked.approval.id));
  EXPECT_TRUE(first.find("state")->equals("waiting"));
  EXPECT_TRUE(first.find("server")->equals("valkey"));
  EXPECT_TRUE(first.find("tool")->equals("valkey_write"));
  EXPECT_EQ(first.find("arguments")->text(), R"({"key":"a"})");
  EXPECT_TRUE(first.find("arguments_digest")->equals("sha256:aa"));
  EXPECT_TRUE(first.find("grant")->equals("g1"));
  EXPECT_TRUE(first.find("session")->equals("s1"));
  EXPECT_TRUE(first.find("rule")->equals("/tools/valkey_write"));
  EXPECT_TRUE(first.find("reason")->equals("writes need a look"));
  EXPECT_TRUE(first.find("asked_at")->equals("2025-06-15T15:06:40.000Z"));
  EXPECT_TRUE(first.find("expires_at")->equals("2025-06-15T15:16:40.000Z"));
}

TEST(Api, ListFiltersByStateAndShowsExpiryWithoutATimer) {
  ApiWorld world;
  const auto asked = world.ask();
  EXPECT_EQ(world.get("/api/v1/approvals?state=denied").body, R"({"approvals":[]})");
  world.clock.advance(std::chrono::seconds(600));
  EXPECT_EQ(world.get("/api/v1/approvals?state=waiting").body, R"({"approvals":[]})");
  EXPECT_THAT(world.get("/api/v1/approvals").body, HasSubstr(R"("state":"expired")"));
}

/// Security requirement S29: texts of others are escaped.
TEST(Api, ShowWritesInvisibleCharactersOut) {
  ApiWorld world;
  const auto asked = world.ask("valkey_write", "{\"key\":\"a\u202Eb\"}");
  const ApiResponse response = world.get("/api/v1/approvals/" + asked.approval.id);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(member(response, "arguments_shown"), R"({"key":"a\u{202e}b"})");
  EXPECT_EQ(member(response, "address"), "uvx awslabs.valkey-mcp-server");
}

TEST(Api, ApproveAnswersTheApprovalAndTheCallHearsIt) {
  ApiWorld world;
  auto asked = world.ask();
  const ApiResponse response =
      world.post("/api/v1/approvals/" + asked.approval.id + "/approve", R"({"reason": "looks fine"})");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(member(response, "state"), "approved");
  EXPECT_EQ(member(response, "answer_reason"), "looks fine");
  EXPECT_EQ(member(response, "answered_by"), "operator (local socket)");
  EXPECT_TRUE(world.desk.use(asked.waiter, asked.approval.question.binding, approval::Moment::of(world.clock)));
}

TEST(Api, DenyNeedsNoBody) {
  ApiWorld world;
  const auto asked = world.ask();
  EXPECT_EQ(member(world.post("/api/v1/approvals/" + asked.approval.id + "/deny"), "state"), "denied");
}

TEST(Api, AnswerToAQuestionThatNoLongerWaitsIsAConflict) {
  ApiWorld world;
  const auto asked = world.ask();
  const std::string path = "/api/v1/approvals/" + asked.approval.id;
  ASSERT_EQ(world.post(path + "/deny").status, 200);
  EXPECT_EQ(world.post(path + "/approve").status, 409);
  EXPECT_EQ(world.desk.find(asked.approval.id)->state, approval::State::denied);
}

TEST(Api, ApprovalAfterItsTimeIsAConflict) {
  ApiWorld world;
  const auto asked = world.ask();
  world.clock.advance(std::chrono::seconds(600));
  EXPECT_EQ(world.post("/api/v1/approvals/" + asked.approval.id + "/approve").status, 409);
}

struct Refusal {
  std::string name;
  std::string method;
  std::string target;
  std::string body;
  int status;
};

class Refused : public testing::TestWithParam<Refusal> {};

TEST_P(Refused, SaysWhyAndChangesNothing) {
  ApiWorld world;
  const auto asked = world.ask();
  std::string target = GetParam().target;
  if (const std::size_t at = target.find("ID"); at != target.npos) target.replace(at, 2, asked.approval.id);
  const ApiResponse response = world.send({.method = GetParam().method,
                                           .target = target,
                                           .headers = {},
                                           .body = GetParam().body,
                                           .door = Door::local_socket});
  EXPECT_EQ(response.status, GetParam().status) << response.body;
  EXPECT_THAT(response.body, HasSubstr("{\"error\":{\"code\":\""));
  EXPECT_EQ(world.desk.find(asked.approval.id)->state, approval::State::waiting);
  EXPECT_THAT(world.directory.asked, testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Api, Refused,
    testing::Values(
        Refusal{"unknown_path", "GET", "/api/v1/nothing", "", 404},
        Refusal{"root", "GET", "/", "", 404},
        Refusal{"unknown_approval", "GET", "/api/v1/approvals/01ARZ3NDEKTSV4RRFFQ69G5FAV", "", 404},
        Refusal{"answer_to_unknown", "POST", "/api/v1/approvals/01ARZ3NDEKTSV4RRFFQ69G5FAV/approve", "", 404},
        Refusal{"answer_to_no_id", "POST", "/api/v1/approvals/x/deny", "", 404},
        Refusal{"wrong_method", "GET", "/api/v1/approvals/ID/approve", "", 405},
        Refusal{"delete", "DELETE", "/api/v1/approvals/ID", "", 405},
        Refusal{"preflight", "OPTIONS", "/api/v1/approvals", "", 405},
        Refusal{"unknown_state", "GET", "/api/v1/approvals?state=pending", "", 400},
        Refusal{"unknown_parameter", "GET", "/api/v1/approvals?limit=3", "", 400},
        Refusal{"parameter_twice", "GET", "/api/v1/approvals?state=waiting&state=used", "", 400},
        Refusal{"parameter_on_an_answer", "POST", "/api/v1/approvals/ID/approve?yes=1", "", 400},
        Refusal{"dot_segment", "POST", "/api/v1/approvals/../approvals/ID/approve", "", 400},
        Refusal{"empty_segment", "POST", "/api/v1//approvals/ID/approve", "", 400},
        Refusal{"hidden_slash", "GET", "/api/v1%2fapprovals", "", 400},
        Refusal{"absolute_form", "GET", "http://127.0.0.1/api/v1/health", "", 400},
        Refusal{"body_no_json", "POST", "/api/v1/approvals/ID/approve", "yes", 400},
        Refusal{"body_no_object", "POST", "/api/v1/approvals/ID/approve", "[]", 400},
        Refusal{"body_key_twice", "POST", "/api/v1/approvals/ID/approve", R"({"reason":"a","reason":"b"})", 400},
        Refusal{"body_unknown_key", "POST", "/api/v1/approvals/ID/approve", R"({"quorum":"1"})", 400},
        Refusal{"body_wrong_type", "POST", "/api/v1/approvals/ID/approve", R"({"reason":1})", 400},
        Refusal{"changed_arguments", "POST", "/api/v1/approvals/ID/approve", R"({"arguments":{}})", 422},
        Refusal{"arguments_on_deny", "POST", "/api/v1/approvals/ID/deny", R"({"arguments":{}})", 400},
        Refusal{"long_reason", "POST", "/api/v1/approvals/ID/deny", R"({"reason":")" + std::string(1001, 'x') + "\"}", 400},
        Refusal{"huge_body", "POST", "/api/v1/approvals/ID/deny", std::string(Api::max_body + 1, ' '), 413},
        Refusal{"body_on_get", "GET", "/api/v1/approvals", "{}", 400},
        Refusal{"tools_of_unknown_server", "GET", "/api/v1/servers/nobody/tools", "", 404},
        Refusal{"pin_fingerprint_alone", "POST", "/api/v1/servers/valkey/pin", R"({"fingerprint":"sha256:1"})", 400},
        Refusal{"wish_without_one", "POST", "/api/v1/servers/valkey/wishes", "{}", 400},
        Refusal{"wish_of_blanks", "POST", "/api/v1/servers/valkey/wishes", R"({"wish":" \n"})", 400},
        Refusal{"wish_no_text", "POST", "/api/v1/servers/valkey/wishes", R"({"wish":["allow reads"]})", 400},
        Refusal{"wish_unknown_key", "POST", "/api/v1/servers/valkey/wishes", R"({"wish":"allow reads","apply":"yes"})", 400},
        Refusal{"long_wish", "POST", "/api/v1/servers/valkey/wishes", R"({"wish":")" + std::string(4001, 'x') + "\"}", 413},
        Refusal{"wish_for_unknown_server", "POST", "/api/v1/servers/nobody/wishes", R"({"wish":"allow reads"})", 404},
        Refusal{"unknown_wish", "GET", "/api/v1/wishes/01ARZ3NDEKTSV4RRFFQ69G5FAV", "", 404},
        Refusal{"assets_of_unknown_wish", "GET", "/api/v1/wishes/01ARZ3NDEKTSV4RRFFQ69G5FAV/assets", "", 404},
        Refusal{"apply_unknown_wish", "POST", "/api/v1/wishes/01ARZ3NDEKTSV4RRFFQ69G5FAV/apply", "", 404},
        Refusal{"apply_with_a_text", "POST", "/api/v1/wishes/01ARZ3NDEKTSV4RRFFQ69G5FAV/apply", R"({"draft":"default: allow"})", 400},
        Refusal{"pin_unknown_key", "POST", "/api/v1/servers/valkey/pin", R"({"all":"yes"})", 400}),
    [](const auto& row) { return row.param.name; });

TEST(Api, WrongMethodNamesTheRightOne) {
  ApiWorld world;
  const ApiResponse response = world.post("/api/v1/servers");
  EXPECT_THAT(response.headers, testing::Contains(std::pair<std::string, std::string>("Allow", "GET")));
}

/// Security requirement S29: a form of another page is no request.
TEST(Api, FormBodiesOfOtherPagesAreNoJson) {
  ApiWorld world;
  const auto asked = world.ask();
  const std::string target = "/api/v1/approvals/" + asked.approval.id + "/approve";
  ApiRequest request{.method = "POST", .target = target, .headers = {}, .body = "{}", .door = Door::local_socket};
  request.headers = {{"Content-Type", "text/plain"}};
  EXPECT_EQ(world.send(request).status, 415);
  request.headers = {{"content-type", "application/json; charset=utf-8"}};
  EXPECT_EQ(world.send(request).status, 200);
}

TEST(Api, ListsServersAndTheirTools) {
  ApiWorld world;
  world.directory.entries = {{.name = "valkey",
                              .transport = "stdio",
                              .address = "uvx x",
                              .state = "failed",
                              .fault = "exited with 1",
                              .policy = "sha256:p",
                              .source = "flags",
                              .tools = 3,
                              .quarantined = 1,
                              .unknown = 0,
                              .left_out = 1}};
  world.directory.tool_entries = {{.name = "valkey_write",
                                   .state = ToolEntry::State::quarantined,
                                   .era = "legacy",
                                   .fingerprint = "sha256:1",
                                   .offered = "sha256:2",
                                   .category = "Write",
                                   .risk = "High",
                                   .class_reason = "writes to production",
                                   .definition = R"({"name":"valkey_write"})",
                                   .offered_definition = {}}};
  world.directory.left_out_entries = {{.name = "a\\u202eb", .era = "legacy", .reason = "the name is none"}};
  EXPECT_EQ(world.get("/api/v1/servers").body,
            R"({"servers":[{"name":"valkey","transport":"stdio","address":"uvx x","state":"failed",)"
            R"("fault":"exited with 1","policy":"sha256:p","source":"flags","tools":3,"quarantined":1,"unknown":0,"left_out":1}]})");
  EXPECT_EQ(world.get("/api/v1/servers/valkey/tools").body,
            R"({"tools":[{"name":"valkey_write","state":"quarantined","era":"legacy","fingerprint":"sha256:1",)"
            R"("offered":"sha256:2","category":"Write","risk":"High","overridden":true,"class_reason":"writes to production",)"
            R"("definition":{"name":"valkey_write"}}],"left_out":[{"name":"a\\u202eb","era":"legacy","reason":"the name is none"}]})");
}

TEST(Api, PinAcceptsExactlyWhatWasLookedAt) {
  ApiWorld world;
  const ApiResponse response =
      world.post("/api/v1/servers/val%6bey/pin", R"({"tool":"valkey_write","fingerprint":"sha256:2"})");
  EXPECT_EQ(response.body, R"({"pinned":["valkey_write"]})");
  EXPECT_THAT(world.directory.asked, ElementsAre("valkey", "valkey_write", "sha256:2"));
  world.directory.pinned = fail(ErrorKind::conflict, "the definition is another by now");
  EXPECT_EQ(world.post("/api/v1/servers/valkey/pin", R"({"tool":"valkey_write"})").status, 409);
}

TEST(Api, HealthNamesWhatDoesNotWork) {
  ApiWorld world;
  const auto asked = world.ask();
  EXPECT_EQ(member(world.get("/api/v1/health"), "status"), "ok");
  EXPECT_EQ(member(world.get("/api/v1/health"), "approvals_waiting"), "1");
  world.health.state.faults = {"the policy file of `valkey` has faults; the last good one stands"};
  EXPECT_EQ(member(world.get("/api/v1/health"), "status"), "degraded");
}

TEST(Api, MetricsAreTheTextOfPrometheus) {
  ApiWorld world;
  world.metrics.counter("callgate_calls_total", "Calls decided.", {{"verdict", "deny"}}).add(2);
  const ApiResponse response = world.get("/metrics");
  EXPECT_THAT(response.body, HasSubstr("callgate_calls_total{verdict=\"deny\"} 2\n"));
  EXPECT_THAT(response.headers[0].second, HasSubstr("version=0.0.4"));
}

TEST(Api, DescriptionNamesEveryRouteAndIsJson) {
  ApiWorld world;
  const auto document = read(world.get("/api/v1/openapi.json"));
  const json::Value paths = *document->root().find("paths");
  EXPECT_EQ(paths.size(), 15U);
  for (const json::Member path : paths.members()) {
    std::string target = path.key.string();
    for (const std::string_view gap : {"{id}", "{name}"}) {
      if (const std::size_t at = target.find(gap); at != target.npos) target.replace(at, gap.size(), "x");
    }
    for (const json::Member method : path.value.members()) {
      if (method.key.equals("parameters")) continue;
      const std::string verb = method.key.equals("get") ? "GET" : "POST";
      const ApiResponse response = world.send(
          {.method = verb, .target = target, .headers = {}, .body = {}, .door = Door::local_socket});
      EXPECT_NE(response.status, 405) << target;
      EXPECT_THAT(response.body, Not(HasSubstr("there is nothing at this path"))) << target;
    }
  }
}

/// Security requirement S29: content security policy and no CORS, on every answer.
TEST(Api, EveryAnswerCarriesTheSafetyHeadersAndNoCors) {
  ApiWorld world;
  for (const ApiResponse& response : {world.get("/api/v1/health"), world.get("/nothing"), world.get("/metrics"),
                                      world.knock({{"Host", "evil.example"}})}) {
    std::vector<std::string> names;
    for (const auto& [name, value] : response.headers) names.push_back(name);
    for (const char* name : {"Cache-Control", "Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options"}) {
      EXPECT_THAT(names, testing::Contains(name));
    }
    EXPECT_THAT(names, Not(testing::Contains(HasSubstr("Access-Control"))));
  }
}

}  // namespace
}  // namespace callgate::admin::api_test
