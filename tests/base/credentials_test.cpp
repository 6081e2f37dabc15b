#include "base/credentials.hpp"

#include <gmock/gmock.h>

namespace callgate::credentials_test {
namespace {

using testing::ElementsAre;

TEST(LongTexts, AreMaskedToTheEndOfACredentialAndStayCheapToLookAt) {
  EXPECT_EQ(mask_credentials("token=" + std::string(5000, 'q') + " on").text, "token=*** on");
  std::string hostile;
  for (int i = 0; i < 40'000; ++i) hostile += "://a:";
  EXPECT_EQ(mask_credentials(hostile).text, hostile);  // with the square of its length in steps, this would take a minute
}

struct Text {
  const char* given;
  const char* shown;
};

class CredentialsInText : public testing::TestWithParam<Text> {};

TEST_P(CredentialsInText, AreMaskedAndStaySoAtASecondLook) {
  const std::string shown = mask_credentials(GetParam().given).text;
  EXPECT_EQ(shown, GetParam().shown);
  EXPECT_EQ(mask_credentials(shown).text, shown);
}

INSTANTIATE_TEST_SUITE_P(
    Masked, CredentialsInText,
    testing::Values(
        // By their names.
        Text{"API_KEY=hunter2", "API_KEY=***"}, Text{"password: hunter2, user: bob", "password: ***, user: bob"},
        Text{"run --api-key hunter2 --port 80", "run --api-key *** --port 80"},
        Text{R"({"apiKey": "hunter 2", "region": "eu"})", R"({"apiKey": "***", "region": "eu"})"},
        Text{R"({\"apiKey\":\"hunter2\",\"x\":1})", R"({\"apiKey\":\"***\",\"x\":1})"},
        Text{"Authorization: Bearer hunter2 and more", "Authorization: Bearer ***"},
        Text{"authorization=bearer hunter2", "authorization=bearer ***"}, Text{"Cookie: a=b; c=d", "Cookie: ***"},
        Text{"Server=db;Password=hunter2;Database=x", "Server=db;Password=***;Database=x"},
        Text{"https://h.example/mcp?api_key=hunter2&mode=ro", "https://h.example/mcp?api_key=***&mode=ro"},
        Text{R"({"password":"ab\"cdef","x":1})", R"({"password":"***","x":1})"},
        // By their place.
        Text{"postgresql://bob:hunter2@db.example:5432/shop", "postgresql://***@db.example:5432/shop"},
        Text{"https://hunter2@h.example/x", "https://***@h.example/x"},
        Text{"redis://:hunter2@h/0 is down", "redis://***@h/0 is down"},
        Text{"postgres://bob:hunt/er2@db/shop", "postgres://***@db/shop"}, Text{"x://a:b@c:d@host/y", "x://***@host/y"},
        // By their looks: none of these was ever valid.
        Text{"using sk-0000-made-up-key here", "using *** here"}, Text{"ghp_0000000000", "***"},
        Text{"id 9f86d081884c7d659a2feaa0c55ad015", "id ***"},
        Text{"https://h.example/s/aB3dE5fG7hJ9kL1mN3pQ5/mcp", "https://h.example/s/***/mcp"},
        Text{"wJ4lrXUtnFE0/K7MDENG1/bPx2RfiCYzX8MPLE9KEY", "***"},
        Text{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl", "***.***.c2lnbmF0dXJl"}));

INSTANTIATE_TEST_SUITE_P(
    Shown, CredentialsInText,
    testing::Values(Text{"", ""},
                    Text{"npx -y @modelcontextprotocol/server-everything@2025.8.21",
                         "npx -y @modelcontextprotocol/server-everything@2025.8.21"},
                    Text{"API_KEY=${API_KEY}", "API_KEY=${API_KEY}"},
                    Text{"--token $GITHUB_TOKEN x", "--token $GITHUB_TOKEN x"},
                    Text{"Authorization: Bearer ${TOKEN}", "Authorization: Bearer ${TOKEN}"},
                    Text{"--api-key <your-key>", "--api-key <your-key>"}, Text{"max_tokens=4096", "max_tokens=4096"},
                    Text{"--token-file /run/secrets/x", "--token-file /run/secrets/x"},
                    Text{"http://127.0.0.1:8080/@scope/x", "http://127.0.0.1:8080/@scope/x"},
                    Text{"https://h.example/mcp?mode=ro", "https://h.example/mcp?mode=ro"},
                    Text{"ghcr.io/x/y@sha256:9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015",
                         "ghcr.io/x/y@sha256:9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015"},
                    Text{"/usr/lib/python3.11/site-packages/mcp_server_2/__main__.py",
                         "/usr/lib/python3.11/site-packages/mcp_server_2/__main__.py"},
                    Text{"Qwen/Qwen2-VL-72B-Instruct-AWQ", "Qwen/Qwen2-VL-72B-Instruct-AWQ"},
                    Text{"listening on 127.0.0.1:8080", "listening on 127.0.0.1:8080"}));

TEST(CredentialsInText, AreToldToWhoeverMustHideThemElsewhere) {
  EXPECT_THAT(mask_credentials("API_KEY=hunter2 https://a:b@c/").hidden, ElementsAre("hunter2", "a:b"));
  EXPECT_TRUE(mask_credentials("nothing here").hidden.empty());
}

std::vector<std::string> shown(std::vector<std::string> command) {
  std::vector<std::string> texts;
  for (const Masked& each : mask_arguments(command)) texts.push_back(each.text);
  return texts;
}

TEST(CredentialsInArguments, GoByTheFlagBefore) {
  EXPECT_THAT(shown({"npx", "x", "--api-key", "hunter 2", "-token", "-odd-one", "--port", "80"}),
              ElementsAre("npx", "x", "--api-key", "***", "-token", "***", "--port", "80"));
  EXPECT_THAT(shown({"x", "--no-auth", "--verbose", "--auth", "-v"}),
              ElementsAre("x", "--no-auth", "--verbose", "--auth", "-v"))
      << "a flag is no value";
  EXPECT_THAT(shown({"x", "--token", "${TOKEN}", "--password-file", "/run/p", "-p", "80"}),
              ElementsAre("x", "--token", "${TOKEN}", "--password-file", "/run/p", "-p", "80"));
}

TEST(CredentialsInArguments, EndWithTheirArgument) {
  EXPECT_THAT(shown({"x", "--token=hunter 2", "PASSWORD=a b;c", "X-Api-Key: a b"}),
              ElementsAre("x", "--token=***", "PASSWORD=***", "X-Api-Key: ***"));
  EXPECT_THAT(shown({"docker", "run", "-e", "GITHUB_TOKEN=hunter2", "--env=API_KEY=hunter2", "-e", "API_KEY"}),
              ElementsAre("docker", "run", "-e", "GITHUB_TOKEN=***", "--env=API_KEY=***", "-e", "API_KEY"));
  EXPECT_THAT(
      shown({"npx", "mcp-remote", "https://h.example/mcp?key=hunter2", "--header", "Authorization: Bearer hunter2"}),
      ElementsAre("npx", "mcp-remote", "https://h.example/mcp?key=***", "--header", "Authorization: Bearer ***"));
  EXPECT_THAT(shown({"sh", "-c", "exec server --api-key hunter2 --port 80"}),
              ElementsAre("sh", "-c", "exec server --api-key *** --port 80"));
}

TEST(CredentialsInArguments, AProgramIsNone) {
  EXPECT_THAT(shown({"/store/3x5aB3dE5fG7hJ9kL1mN3pQ5/bin/server", "x"}),
              ElementsAre("/store/3x5aB3dE5fG7hJ9kL1mN3pQ5/bin/server", "x"));
}

}  // namespace
}  // namespace callgate::credentials_test
