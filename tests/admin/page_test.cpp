#include "admin/page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/api_world.hpp"
#include "admin/html.hpp"

namespace callgate::admin::page_test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view host = "127.0.0.1:8809";
constexpr std::string_view own = "http://127.0.0.1:8809";

/// A browser before the page, and the questions behind it.
class Page : public testing::Test {
 protected:
  struct Sent {
    std::string_view method = "GET";
    std::string target;
    std::string body;
    std::string_view origin = own;
    std::string_view cookie_host = host;
    std::string_view type = "application/x-www-form-urlencoded";
    std::vector<net::Header> more;
  };

  ApiResponse send(const Sent& sent) {
    ApiRequest request{.method = sent.method, .target = sent.target, .headers = {}, .body = sent.body, .door = Door::listener};
    if (!sent.cookie_host.empty()) request.headers.add({"Host", sent.cookie_host});
    if (sent.method == "POST" && !sent.origin.empty()) request.headers.add({"Origin", sent.origin});
    if (sent.method == "POST") request.headers.add({"Content-Type", sent.type});
    if (!cookie.empty()) request.headers.add({"Cookie", cookie});
    for (const net::Header& header : sent.more) request.headers.add(header);
    std::optional<ApiResponse> response;
    net::TaskGroup group;
    group.spawn(ApiWorld::answer(at->handle(request), response));
    return std::move(response.value());
  }
  ApiResponse open(const std::string& id) { return send({.target = "/approve/" + id}); }
  ApiResponse type_token(const std::string& id, std::string_view token = kToken) {
    return send({.method = "POST", .target = "/approve/" + id + "/sign-in", .body = "token=" + std::string(token)});
  }
  static std::string header(const ApiResponse& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return {};
  }
  void sign_in(const std::string& id) {
    const ApiResponse response = type_token(id);
    ASSERT_EQ(response.status, 303) << response.body;
    const std::string set = header(response, "Set-Cookie");
    cookie = "theme=dark; " + set.substr(0, set.find(';'));
  }
  static std::string field(const std::string& html, const std::string& name) {
    const std::string before = "name=\"" + name + "\" value=\"";
    const std::size_t at = html.find(before);
    if (at == std::string::npos) return {};
    return html.substr(at + before.size(), html.find('"', at + before.size()) - at - before.size());
  }
  /// The form of the page that is shown now, filled in.
  Sent filled(const std::string& id, const std::string& answer, const std::string& reason = {}) {
    const std::string shown = open(id).body;
    std::string digest = field(shown, "shown");
    if (const std::size_t colon = digest.find(':'); colon != std::string::npos) digest.replace(colon, 1, "%3A");
    return {.method = "POST", .target = "/approve/" + id,
            .body = "proof=" + field(shown, "proof") + "&shown=" + digest + "&answer=" + answer + "&reason=" + reason};
  }
  approval::State state(const std::string& id) { return world.desk.find(id)->state; }

  ApiWorld world;
  MemoryLog log;
  ApprovalPage page{{.questions = world.questions, .clock = world.clock, .log = log},
                    Guard(Secret(std::string(kToken)), access_of(host))};
  ApprovalPage* at = &page;
  std::string cookie;
};

TEST_F(Page, SaysNothingOfAnyQuestionBeforeTheTokenIsTyped) {
  const auto asked = world.ask();
  const ApiResponse known = open(asked.approval.id);
  EXPECT_EQ(known.status, 200);
  EXPECT_THAT(known.body, HasSubstr("type=\"password\""));
  EXPECT_THAT(known.body, Not(HasSubstr("valkey")));
  std::string unknown = open("01ARZ3NDEKTSV4RRFFQ69G5FAV").body;
  for (std::size_t at; (at = unknown.find("01ARZ3NDEKTSV4RRFFQ69G5FAV")) != std::string::npos;) unknown.replace(at, 26, asked.approval.id);
  EXPECT_EQ(unknown, known.body);
}

TEST_F(Page, ShowsAllThatWouldRunAndWhoAsks) {
  const auto asked = world.ask();
  sign_in(asked.approval.id);
  const ApiResponse shown = open(asked.approval.id);
  EXPECT_EQ(shown.status, 200);
  for (const char* each : {"valkey_write", "uvx awslabs.valkey-mcp-server", "sha256:dd", "g1", "s1", "/tools/valkey_write", "writes need a look",
                           "2025-06-15T15:06:40.000Z", "2025-06-15T15:16:40.000Z", "{\n  &quot;key&quot;: &quot;a&quot;\n}", "sha256:aa"})
    EXPECT_THAT(shown.body, HasSubstr(each));
}

TEST_F(Page, AYesLetsTheCallRunOnceAndIsOnRecordWithWhoAndWhy) {
  auto asked = world.ask();
  sign_in(asked.approval.id);
  const ApiResponse answered = send(filled(asked.approval.id, "approve", "looks+fine%21"));
  EXPECT_EQ(answered.status, 303) << answered.body;
  EXPECT_EQ(header(answered, "Location"), "/approve/" + asked.approval.id);
  const approval::Approval* kept = world.desk.find(asked.approval.id);
  EXPECT_EQ(kept->state, approval::State::approved);
  EXPECT_EQ(kept->answered_by, "operator (approval page)");
  EXPECT_EQ(kept->answer_reason, "looks fine!");
  EXPECT_TRUE(log.has("approval_answered"));
  EXPECT_TRUE(world.desk.use(asked.waiter, asked.approval.question.binding, approval::Moment::of(world.clock)));
  EXPECT_FALSE(world.desk.use(asked.waiter, asked.approval.question.binding, approval::Moment::of(world.clock)));
}

TEST_F(Page, ANoIsANo) {
  const auto asked = world.ask();
  sign_in(asked.approval.id);
  EXPECT_EQ(send(filled(asked.approval.id, "deny")).status, 303);
  EXPECT_EQ(state(asked.approval.id), approval::State::denied);
  const std::string shown = open(asked.approval.id).body;
  EXPECT_THAT(shown, HasSubstr("denied"));
  EXPECT_THAT(shown, Not(HasSubstr("name=\"answer\"")));
}

TEST_F(Page, AnAnswerGivenTwiceIsAConflict) {
  const auto asked = world.ask();
  sign_in(asked.approval.id);
  const Sent yes = filled(asked.approval.id, "approve");
  EXPECT_EQ(send(yes).status, 303);
  const ApiResponse again = send(yes);
  EXPECT_EQ(again.status, 409);
  EXPECT_THAT(again.body, HasSubstr("changed nothing"));
}

TEST_F(Page, AnAnswerAfterItsTimeIsAConflict) {
  const auto asked = world.ask();
  sign_in(asked.approval.id);
  const Sent yes = filled(asked.approval.id, "approve");
  world.clock.advance(std::chrono::seconds(600));
  EXPECT_EQ(send(yes).status, 409);
  EXPECT_EQ(state(asked.approval.id), approval::State::expired);
}

/// Security requirement S20: what the person saw is what the yes is for.
TEST_F(Page, AYesToOtherArgumentsThanThoseShownIsRefused) {
  const auto seen = world.ask("valkey_write", R"({"key":"a"})");
  sign_in(seen.approval.id);
  Sent yes = filled(seen.approval.id, "approve");
  yes.body.replace(yes.body.find("sha256%3Aaa"), 11, "sha256%3Abb");
  EXPECT_EQ(send(yes).status, 403) << "the proof is of the arguments too";

  EXPECT_EQ(state(seen.approval.id), approval::State::waiting);
}

/// Questions whose arguments become others once the page was shown.
class Swapping final : public approval::Questions {
 public:
  explicit Swapping(approval::Questions& inner) : inner_(inner) {}
  bool swapped = false;
  int answers = 0;
  net::Task<Result<std::optional<approval::Approval>>> find(std::string id, approval::Moment now) override {
    auto found = co_await inner_.find(std::move(id), now);
    if (swapped && found && *found) (*found)->question.binding.args_digest = "sha256:bb";
    co_return found;
  }
  net::Task<Result<approval::Approval>> answer(std::string id, approval::Answer answer, std::string by, std::string reason, approval::Moment now) override {
    ++answers;
    return inner_.answer(std::move(id), answer, std::move(by), std::move(reason), now);
  }
  net::Task<Result<approval::Asked>> ask(approval::Question question, approval::Listener listener, approval::Moment now) override {
    return inner_.ask(std::move(question), std::move(listener), now);
  }
  net::Task<Result<approval::Approval>> use(approval::Waiter& waiter, approval::Binding binding, approval::Moment now) override {
    return inner_.use(waiter, std::move(binding), now);
  }
  net::Task<Result<std::vector<approval::Approval>>> list(std::optional<approval::State> which, approval::Moment now) override { return inner_.list(which, now); }
  net::Task<Result<std::size_t>> waiting(approval::Moment now) override { return inner_.waiting(now); }
  net::Task<Result<approval::SealKey>> seal_key(approval::Moment now) override { return inner_.seal_key(now); }
  void expire(approval::Moment now) override { inner_.expire(now); }
  bool outlive_gateway() const override { return false; }

 private:
  approval::Questions& inner_;
};

/// Security requirement S20.
TEST_F(Page, ArgumentsThatChangedSinceTheyWereShownAreNotAnswered) {
  Swapping swapping(world.questions);
  ApprovalPage swapped({.questions = swapping, .clock = world.clock, .log = log}, Guard(Secret(std::string(kToken)), access_of(host)));
  at = &swapped;
  const auto asked = world.ask();
  sign_in(asked.approval.id);
  const Sent yes = filled(asked.approval.id, "approve");
  swapping.swapped = true;
  const ApiResponse refused = send(yes);
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("not those that you were shown"));
  EXPECT_EQ(swapping.answers, 0);
}

TEST_F(Page, AProofOfAnotherSignInIsNone) {
  const auto asked = world.ask();
  sign_in(asked.approval.id);
  const Sent yes = filled(asked.approval.id, "approve");
  sign_in(asked.approval.id);
  EXPECT_EQ(send(yes).status, 403);
  EXPECT_EQ(state(asked.approval.id), approval::State::waiting);
}

TEST_F(Page, AProofIsForItsOwnQuestion) {
  const auto harmless = world.ask("valkey_read");
  const auto other = world.ask("valkey_write");
  sign_in(harmless.approval.id);
  Sent yes = filled(harmless.approval.id, "approve");
  yes.target = "/approve/" + other.approval.id;
  EXPECT_EQ(send(yes).status, 403);
  EXPECT_EQ(state(other.approval.id), approval::State::waiting);
}

TEST_F(Page, ACookieIsGoodForHalfAnHour) {
  const auto asked = world.ask();
  sign_in(asked.approval.id);
  world.clock.advance(SignIns::lasts);
  EXPECT_THAT(open(asked.approval.id).body, HasSubstr("type=\"password\""));
}

TEST_F(Page, TheCookieIsHiddenFromScriptsAndFromOtherSites) {
  const auto asked = world.ask();
  EXPECT_THAT(header(type_token(asked.approval.id), "Set-Cookie"), HasSubstr("; HttpOnly; SameSite=Strict; Path=/approve; Max-Age=1800"));
}

TEST_F(Page, AfterTenWrongTokensFurtherOnesAreToldToWait) {
  const auto asked = world.ask();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(type_token(asked.approval.id, "wrong").status, 403);
  const ApiResponse refused = type_token(asked.approval.id, "wrong");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(header(refused, "Retry-After"), "60");
  world.clock.advance(SignIns::window);
  EXPECT_EQ(type_token(asked.approval.id, "wrong").status, 403);
}

/// Or who guesses, an agent on the same machine for one, keeps its person from answering.
TEST_F(Page, WrongTokensDoNotKeepTheRightOneOut) {
  const auto asked = world.ask();
  for (int i = 0; i < 50; ++i) type_token(asked.approval.id, "wrong");
  EXPECT_EQ(type_token(asked.approval.id).status, 303);
}

/// Browsers send a cookie to every port of its host.
TEST_F(Page, TheCookieIsNamedByThePortThatWasAsked) {
  const auto asked = world.ask();
  const auto set_at = [&](std::string_view host, std::string_view origin) {
    return header(send({.method = "POST", .target = "/approve/" + asked.approval.id + "/sign-in", .body = "token=" + std::string(kToken), .origin = origin, .cookie_host = host}), "Set-Cookie");
  };
  EXPECT_THAT(set_at("localhost:8809", "http://localhost:8809"), StartsWith("callgate_approve_8809="));
  EXPECT_THAT(set_at("localhost:8810", "http://localhost:8810"), StartsWith("callgate_approve_8810="));
  EXPECT_THAT(set_at("localhost", "http://localhost"), StartsWith("callgate_approve="));
}

TEST_F(Page, NeitherTokenNorCookieIsLogged) {
  const auto asked = world.ask();
  type_token(asked.approval.id, "not-the-token-at-all");
  sign_in(asked.approval.id);
  EXPECT_FALSE(log.has("not-the-token-at-all"));
  EXPECT_FALSE(log.has(kToken));
  EXPECT_FALSE(log.has(cookie.substr(cookie.rfind('=') + 1)));
}

/// Security requirement S29.
TEST_F(Page, RunsNoScriptLoadsNothingAndStandsInNoFrame) {
  const auto asked = world.ask();
  sign_in(asked.approval.id);
  const ApiResponse shown = open(asked.approval.id);
  const std::string policy = header(shown, "Content-Security-Policy");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'; style-src 'sha256-"));
  for (const char* each : {"form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"}) EXPECT_THAT(policy, HasSubstr(each));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_EQ(header(shown, "X-Frame-Options"), "DENY");
  EXPECT_EQ(header(shown, "Cache-Control"), "no-store");
  EXPECT_EQ(header(shown, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(header(shown, "Content-Type"), "text/html; charset=utf-8");
  EXPECT_THAT(shown.body, Not(HasSubstr("<script")));
  EXPECT_THAT(shown.body, Not(HasSubstr(" style=")));
}

struct Hostile {
  std::string name;
  std::string arguments;
  std::string shown;
  std::string never;
};

class HostileArguments : public Page, public testing::WithParamInterface<Hostile> {};

/// Security requirement S20: invisible characters are made visible.
TEST_P(HostileArguments, AreShownAsWhatTheyAre) {
  const auto asked = world.ask("valkey_write", GetParam().arguments);
  sign_in(asked.approval.id);
  const std::string shown = open(asked.approval.id).body;
  EXPECT_THAT(shown, HasSubstr(GetParam().shown));
  if (!GetParam().never.empty()) EXPECT_THAT(shown, Not(HasSubstr(GetParam().never)));
}

INSTANTIATE_TEST_SUITE_P(
    Pages, HostileArguments,
    testing::Values(
        Hostile{"script", R"({"k":"<script>alert(1)</script>"})", "&lt;script&gt;alert(1)&lt;/script&gt;", "<script>"},
        Hostile{"end_of_pre", R"({"k":"</pre><button name=\"answer\">"})", "&lt;/pre&gt;&lt;button name=\\&quot;answer\\&quot;&gt;", "</pre><button name"},
        Hostile{"entity", R"({"k":"&lt;"})", "&amp;lt;", "\"&lt;\""},
        Hostile{"bidi", "{\"k\":\"a\u202Eb\"}", "a\\u{202e}b", "\u202E"},
        Hostile{"zero_width", "{\"pay\u200Bee\":1}", "pay\\u{200b}ee", "\u200B"},
        Hostile{"tag_letters", "{\"k\":\"\U000E0041\"}", "\\u{e0041}", "\U000E0041"},
        Hostile{"nul_as_an_escape", R"({"k":"a\u0000b"})", "a\\u0000b", ""},
        Hostile{"line_ends_as_escapes", R"({"k":"a\n\n\nb"})", "a\\n\\n\\nb", ""},
        Hostile{"quote_that_ends_nothing", R"({"k":"a\",\"x\":1"})", "&quot;a\\&quot;,\\&quot;x\\&quot;:1&quot;", ""},
        Hostile{"backslash_at_the_end", R"({"a":"\\","b":1})", "&quot;\\\\&quot;,\n  &quot;b&quot;: 1", ""},
        Hostile{"many_blanks", "{\"k\":\"a" + std::string(5'000, ' ') + "b\"}", "a" + std::string(5'000, ' ') + "b", ""},
        Hostile{"other_letters", "{\"k\":\"p\u0430y\"}", "some are outside ASCII", ""},
        Hostile{"nothing_but_braces", "{}", "<pre>{}</pre>", ""},
        Hostile{"nested", R"({"a":[1,{"b":[]}]})", "{\n  &quot;a&quot;: [\n    1,\n    {\n      &quot;b&quot;: []\n    }\n  ]\n}", ""}),
    [](const auto& row) { return row.param.name; });

TEST_F(Page, LongArgumentsAreShownToTheLastByte) {
  const std::string text = "{\"k\":\"" + std::string(900'000, 'x') + "END\"}";
  const auto asked = world.ask("valkey_write", text);
  sign_in(asked.approval.id);
  EXPECT_THAT(open(asked.approval.id).body, HasSubstr("xEND&quot;"));
}

struct Knock {
  std::string name;
  std::function<void(std::string& target, std::string& body, std::string_view& origin, std::string_view& host, std::string_view& type, std::vector<net::Header>& more)> spoil;
  int status;
};

class Spoiled : public Page, public testing::WithParamInterface<Knock> {};

/// Security requirement S29: a page of elsewhere answers nothing.
TEST_P(Spoiled, AnswersChangeNothing) {
  const auto asked = world.ask();
  sign_in(asked.approval.id);
  Sent yes = filled(asked.approval.id, "approve");
  GetParam().spoil(yes.target, yes.body, yes.origin, yes.cookie_host, yes.type, yes.more);
  const ApiResponse response = send(yes);
  EXPECT_EQ(response.status, GetParam().status) << response.body;
  EXPECT_EQ(state(asked.approval.id), approval::State::waiting);
}

#define SPOIL [](auto& target, auto& body, auto& origin, auto& host_, auto& type, auto& more)
#define UNUSED (void)target, (void)body, (void)origin, (void)host_, (void)type, (void)more
INSTANTIATE_TEST_SUITE_P(
    Pages, Spoiled,
    testing::Values(Knock{"foreign_origin", SPOIL { UNUSED; origin = "https://evil.example"; }, 403},
                    Knock{"origin_null", SPOIL { UNUSED; origin = "null"; }, 403},
                    Knock{"no_origin", SPOIL { UNUSED; origin = ""; }, 403},
                    Knock{"another_port", SPOIL { UNUSED; origin = "http://127.0.0.1:8808"; }, 403},
                    Knock{"two_origins", SPOIL { UNUSED; more.push_back({"Origin", own}); }, 403},
                    Knock{"another_site", SPOIL { UNUSED; more.push_back({"Sec-Fetch-Site", "cross-site"}); }, 403},
                    Knock{"same_site_only", SPOIL { UNUSED; more.push_back({"Sec-Fetch-Site", "same-site"}); }, 403},
                    Knock{"rebound_host", SPOIL { UNUSED; host_ = "evil.example:8809"; origin = "http://evil.example:8809"; }, 403},
                    Knock{"no_host", SPOIL { UNUSED; host_ = ""; }, 403},
                    Knock{"wrong_proof", SPOIL { UNUSED; body.replace(6, 4, "zzzz"); }, 403},
                    Knock{"no_proof", SPOIL { UNUSED; body.erase(0, body.find('&') + 1); }, 403},
                    Knock{"no_digest", SPOIL { UNUSED; body.erase(body.find("shown=") + 6, 11); }, 403},
                    Knock{"json", SPOIL { UNUSED; type = "application/json"; }, 415},
                    Knock{"text", SPOIL { UNUSED; type = "text/plain"; }, 415},
                    Knock{"neither_yes_nor_no", SPOIL { UNUSED; body.replace(body.find("answer=approve"), 14, "answer=perhaps"); }, 400},
                    Knock{"both", SPOIL { UNUSED; body += "&answer=deny"; }, 400},
                    Knock{"unknown_field", SPOIL { UNUSED; body += "&arguments=%7B%7D"; }, 400},
                    Knock{"broken_escape", SPOIL { UNUSED; body += "%f"; }, 400},
                    Knock{"no_utf8", SPOIL { UNUSED; body += "%ff"; }, 400},
                    Knock{"too_many_words", SPOIL { UNUSED; body += std::string(1'001, 'x'); }, 400},
                    Knock{"query", SPOIL { UNUSED; target += "?answer=approve"; }, 404},
                    Knock{"longer_path", SPOIL { UNUSED; target += "/approve"; }, 404},
                    Knock{"two_cookies", SPOIL { UNUSED; more.push_back({"Cookie", "callgate_approve_8809=x"}); }, 403}),
    [](const auto& row) { return row.param.name; });
#undef SPOIL
#undef UNUSED

TEST_F(Page, ALinkOfAnySiteLeadsThereButNoFrameAndNoImageDoes) {
  const auto asked = world.ask();
  const std::string target = "/approve/" + asked.approval.id;
  EXPECT_EQ(send({.target = target, .more = {{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "navigate"}, {"Sec-Fetch-Dest", "document"}}}).status, 200);
  EXPECT_EQ(send({.target = target, .more = {{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "navigate"}, {"Sec-Fetch-Dest", "iframe"}}}).status, 403);
  EXPECT_EQ(send({.target = target, .more = {{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "no-cors"}, {"Sec-Fetch-Dest", "image"}}}).status, 403);
}

TEST_F(Page, AnAnswerWithoutASignInChangesNothing) {
  const auto asked = world.ask();
  sign_in(asked.approval.id);
  const Sent yes = filled(asked.approval.id, "approve");
  cookie = {};
  EXPECT_EQ(send(yes).status, 403);
  cookie = "callgate_approve_8809=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  EXPECT_EQ(send(yes).status, 403);
  EXPECT_EQ(state(asked.approval.id), approval::State::waiting);
}

TEST_F(Page, AnUnknownQuestionIsSaidToBeUnknownOnceSignedIn) {
  sign_in("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  EXPECT_EQ(open("01ARZ3NDEKTSV4RRFFQ69G5FAV").status, 404);
  EXPECT_EQ(open("nothing").status, 404);
  EXPECT_EQ(send({.method = "DELETE", .target = "/approve/01ARZ3NDEKTSV4RRFFQ69G5FAV"}).status, 403) << "a DELETE without an origin is not even looked at";
}

TEST_F(Page, OldSignInsMakeRoom) {
  const auto asked = world.ask();
  sign_in(asked.approval.id);
  for (std::size_t i = 0; i < SignIns::most; ++i) {
    world.clock.advance(std::chrono::seconds(1));
    type_token(asked.approval.id);
  }
  EXPECT_THAT(open(asked.approval.id).body, HasSubstr("type=\"password\""));
}

TEST(ApprovalPagePath, IsItsOwn) {
  for (const char* each : {"/approve", "/approve/", "/approve/x", "/approve?x"}) EXPECT_TRUE(ApprovalPage::serves(each)) << each;
  for (const char* each : {"/approved", "/api/v1/approvals", "/", ""}) EXPECT_FALSE(ApprovalPage::serves(each)) << each;
}

}  // namespace
}  // namespace callgate::admin::page_test
