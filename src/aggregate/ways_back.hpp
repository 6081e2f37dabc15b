#pragma once

#include <functional>
#include <memory>
#include <optional>
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
std::optional<std::string> shown_message(Company& company, const std::string& server, std::string_view bytes);

/// An answer of a server with the URIs and ids of tasks that the client knows: of
/// resources that were read, of links and resources in what tools and prompts
/// give, of tasks that began or are asked about. Empty: it is so already.
std::string shown_answer(Company& company, const std::string& server, mcp::MethodId of, std::string_view bytes);

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
  MemberChannel(Company& company, std::string server, gateway::Channel& client, Show show = {})
      : company_(company), server_(std::move(server)), client_(client), show_(std::move(show)) {}

  net::Task<bool> event(std::string_view bytes, std::string_view raw) override;
  net::Task<bool> answer(std::string_view bytes, std::string_view raw, int status) override;
  net::Task<bool> accepted() override { return client_.accepted(); }
  net::Task<bool> ended() override { return client_.ended(); }
  bool gone() const override { return client_.gone(); }
  bool takes_raw() const override { return false; }
  bool streams() const override { return client_.streams(); }
  /// Its events have no ids of their own, and a server's are of no use to the client.
  bool may_resume() const override { return false; }
  net::Task<void> until_gone() override { return client_.until_gone(); }

 private:
  Company& company_;
  std::string server_;
  gateway::Channel& client_;
  Show show_;
};

/// Keeps one server's answer to a request that goes to several.
class KeptAnswer final : public gateway::Channel {
 public:
  KeptAnswer(net::Loop& loop, std::shared_ptr<Company> company, std::string server)
      : loop_(loop), company_(std::move(company)), server_(std::move(server)) {}

  const std::string& text() const { return text_; }  ///< empty: there was none

  net::Task<bool> event(std::string_view bytes, std::string_view raw) override;
  net::Task<bool> answer(std::string_view bytes, std::string_view raw, int status) override;
  net::Task<bool> accepted() override { co_return true; }
  net::Task<bool> ended() override { co_return true; }
  bool gone() const override { return company_->client.closed; }
  bool takes_raw() const override { return false; }
  bool may_resume() const override { return false; }
  net::Task<void> until_gone() override { co_await loop_.sleep(net::Loop::forever); }

 private:
  net::Loop& loop_;
  std::shared_ptr<Company> company_;
  std::string server_;
  std::string text_;
};

}  // namespace callgate::aggregate
