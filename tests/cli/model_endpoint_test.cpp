#include "cli/model_endpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "config/fake_environment.hpp"
#include "net/loop.hpp"
#include "net/stream.hpp"

namespace callgate::cli::model_endpoint_test {
namespace {

using testing::HasSubstr;
using testing::Not;

Result<std::optional<ModelEndpoint>> endpoint(const std::string& url, const std::string& key = {}) {
  config::FakeEnvironment environment;
  environment.variables["CALLGATE_MODEL_URL"] = url;
  if (!key.empty()) environment.variables["CALLGATE_MODEL_KEY"] = key;
  return model_endpoint(environment);
}

TEST(ModelEndpoint, IsNobodyWithoutAnAddress) {
  config::FakeEnvironment environment;
  environment.variables["CALLGATE_MODEL_KEY"] = "sk";
  EXPECT_FALSE(model_endpoint(environment).value());
}

TEST(ModelEndpoint, TakesTheAddressWithOrWithoutItsLastPart) {
  EXPECT_EQ(endpoint("https://models.example/v1", "sk").value()->url.target, "/v1/chat/completions");
  EXPECT_EQ(endpoint("https://models.example/v1/", "sk").value()->url.target, "/v1/chat/completions");
  EXPECT_EQ(endpoint("https://models.example/v1/chat/completions", "sk").value()->url.target, "/v1/chat/completions");
  EXPECT_EQ(endpoint("https://models.example/v1?version=2", "sk").value()->url.target, "/v1/chat/completions?version=2");
}

TEST(ModelEndpoint, SendsAKeyInTheClearToThisMachineAlone) {
  EXPECT_TRUE(endpoint("http://127.0.0.1:8080/v1", "sk"));
  EXPECT_TRUE(endpoint("http://localhost:8080/v1", "sk"));
  EXPECT_TRUE(endpoint("http://models.example/v1")) << "without a key there is none to lose";
  EXPECT_THAT(endpoint("http://models.example/v1", "sk").error().message, HasSubstr("https"));
}

TEST(ModelEndpoint, AKeyThatNoHeaderHoldsIsRefusedAndNotSaid) {
  for (const std::string key : {"sk\r\nX: y", "sk y", "sk\xc3\xa4"}) {
    const auto refused = endpoint("https://models.example/v1", key);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, Not(HasSubstr("sk")));
  }
}

TEST(ModelEndpoint, AnAddressOfAnotherKindIsRefused) {
  for (const char* url : {"ftp://models.example", "models.example", "https://user:pw@models.example/v1", "file:///etc/passwd"}) EXPECT_FALSE(endpoint(url)) << url;
}

/// Somebody who accepts, and says nothing.
struct Silent {
  Silent() : listener(net::Listener::open(loop, *net::Address::numeric("127.0.0.1", 0)).value()) {}
  ModelEndpoint endpoint(std::chrono::milliseconds patience) const {
    return {.url = *net::Url::parse("http://" + listener->address().text() + "/v1/chat/completions"), .patience = patience};
  }
  net::Loop loop;
  std::unique_ptr<net::Listener> listener;
};

TEST(ModelEndpoint, IsNotWaitedForLongerThanItsPatience) {
  const Silent silent;
  const auto answer = ask_model(silent.endpoint(std::chrono::milliseconds(50)), "{}");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::timeout);
}

TEST(ModelEndpoint, AnotherThreadMayEndTheWait) {
  const Silent silent;
  std::promise<Result<std::string>> answered;
  std::jthread asking([&](const std::stop_token& stop) { answered.set_value(ask_model(silent.endpoint(std::chrono::minutes(10)), "{}", stop)); });
  asking.request_stop();
  const auto answer = answered.get_future().get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::closed);
}

}  // namespace
}  // namespace callgate::cli::model_endpoint_test
