#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "aggregate/company.hpp"
#include "gateway/channel.hpp"
#include "gateway/client_stream.hpp"

/// The ways from one server back to the client of a company: what a gate gives is
/// given on with the ids, names and URIs that the client knows. Threads: the loop's.
namespace callgate::aggregate {

/// A message of a server as the client is to see it; nothing: it is not for the
/// client. A request gets an id of the company's own, by which its answer finds back.
/// Progress is for it under one of these tokens alone, as the client wrote them: a
/// server may write any, another's call's too.
std::optional<std::string> shown_message(Company& company, const std::string& server, std::string_view bytes, std::span<const std::string> tokens = {});

/// An answer of a server with the URIs and ids of tasks that the client knows: of
/// resources that were read, of links and resources in what tools and prompts
/// give, of tasks that began or are asked about. Empty: it is so already.
/// `wrapped`: the URI that the client named in the wrapped form, and goes on to if
/// the server has it; empty: none.
std::string shown_answer(Company& company, const std::string& server, mcp::MethodId of, std::string_view bytes, std::string_view wrapped = {});

/// The company's own stream, as one server sees it: what belongs to no call.
class MemberStream final : public gateway::ClientStream {
 public:
  MemberStream(const std::shared_ptr<Company>& company, std::string server) : company_(company), server_(std::move(server)) {}
  bool push(std::string_view bytes, std::string_view raw) override;
  void close() override { closed_ = true; }

 private:
  std::weak_ptr<Company> company_;
  std::string server_;
  bool closed_ = false;
};

/// The way back for one call that goes to one server.
class MemberChannel final : public gateway::Channel {
 public:
  /// Makes the answer what the client is to see; empty: it is that already.
  using Show = std::function<std::string(std::string_view answer)>;
  /// `token` is the request's for progress, as written; empty: it has none.
  MemberChannel(Company& company, std::string server, gateway::Channel& client, std::string_view token, Show show = {});
  ~MemberChannel() override;
  MemberChannel(const MemberChannel&) = delete;
  MemberChannel& operator=(const MemberChannel&) = delete;

  net::Task<bool> event(std::string_view bytes, std::string_view raw) override;
  net::Task<bool> answer(std::string_view bytes, std::string_view raw, int status) override;
  net::Task<bool> accepted() override { return client_.accepted(); }
  net::Task<bool> ended() override { return client_.ended(); }
  bool gone() const override { return client_.gone(); }
  bool answering() const override { return client_.answering(); }
  bool takes_raw() const override { return false; }
  bool streams() const override { return client_.streams(); }
  std::string client() const override { return client_.client(); }
  /// Its events have no ids of their own, and a server's are of no use to the client.
  bool may_resume() const override { return false; }
  net::Task<void> until_gone() override { return client_.until_gone(); }

 private:
  Company& company_;
  std::string server_;
  gateway::Channel& client_;
  std::string token_;
  Show show_;
};

/// Keeps one server's answer to a request that goes to several.
class KeptAnswer final : public gateway::Channel {
 public:
  /// `asker`: who tells a client without a session from others; empty: the gateway itself asks. `over`: nobody waits
  /// for it any more, which the company's `changed` tells; null: it is waited for.
  KeptAnswer(std::shared_ptr<Company> company, std::string server, std::string asker = {}, std::shared_ptr<const bool> over = {})
      : company_(std::move(company)), server_(std::move(server)), asker_(std::move(asker)), over_(std::move(over)) {}

  const std::string& text() const { return text_; }  ///< empty: there was none

  net::Task<bool> event(std::string_view bytes, std::string_view raw) override;
  net::Task<bool> answer(std::string_view bytes, std::string_view raw, int status) override;
  net::Task<bool> accepted() override { co_return true; }
  net::Task<bool> ended() override { co_return true; }
  bool gone() const override { return company_->client.closed || (over_ && *over_); }
  /// A company of requests that stand alone is that of all clients without a grant.
  std::string client() const override { return company_->stateless() ? asker_ : company_->client.session.name; }
  bool takes_raw() const override { return false; }
  bool may_resume() const override { return false; }
  net::Task<void> until_gone() override {
    while (!gone()) co_await company_->changed.wait(net::Loop::forever);
  }

 private:
  std::shared_ptr<Company> company_;
  std::string server_;
  std::string asker_;
  std::shared_ptr<const bool> over_;
  std::string text_;
};

}  // namespace callgate::aggregate
