#pragma once

#include <filesystem>
#include <functional>
#include <list>
#include <string>
#include <thread>

#include "admin/drafter.hpp"
#include "base/log.hpp"
#include "cli/wish_draft.hpp"
#include "config/config.hpp"
#include "gateway/policies.hpp"
#include "net/loop.hpp"
#include "store/store.hpp"

namespace callgate::cli {

/// Drafts policies for the admin API beside the loop, which judges calls
/// meanwhile, and writes them where the API says so. Threads: the loop's; each
/// draft has one of its own, which is told to stop and waited for at the end.
class WishWorker final : public admin::PolicyDrafter {
 public:
  /// All references outlive the worker.
  struct Parts {
    net::Loop& loop;
    const config::Config& config;
    store::Store& store;
    gateway::Policies& policies;
    Log& log;
    std::function<void(const std::filesystem::path&)> policy_written;  ///< takes it up
    Result<std::optional<ModelEndpoint>> model = std::nullopt;  ///< whom wishes are shown to, or why nobody
  };
  explicit WishWorker(Parts parts) : parts_(std::move(parts)) {}

  Result<void> begin(std::string_view server, std::string wish, Done done) override;
  Result<std::string> apply(const admin::PolicyDraft& draft) override;

 private:
  Result<WishOrder> order_for(std::string_view server) const;
  Result<void> nobody_elses(const config::Server& server) const;

  Parts parts_;
  std::list<std::jthread> running_;
};

}  // namespace callgate::cli
