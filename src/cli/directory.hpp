#pragma once

#include <functional>
#include <string>
#include <vector>

#include "admin/directory.hpp"
#include "gateway/gates.hpp"

namespace callgate::cli {

/// What the admin API sees of the gates.
class Directory final : public admin::ServerDirectory, public admin::HealthSource {
 public:
  /// `source` says where the servers are from that the store did not name.
  Directory(const gateway::Parts& parts, gateway::Gates& gates, std::string source)
      : parts_(parts), gates_(gates), source_(std::move(source)), started_ms_(parts.clock.wall_ms()) {}

  std::vector<admin::ServerEntry> servers() const override;
  Result<std::vector<admin::ToolEntry>> tools(std::string_view server) const override;
  Result<std::vector<admin::LeftOutEntry>> left_out(std::string_view server) const override;
  Result<std::vector<std::string>> pin(std::string_view server, const admin::PinRequest& request) override;
  admin::Health health() const override;
  /// Sentences of `faults` stand in the health too.
  void add_faults(std::function<std::vector<std::string>()> faults) { more_faults_ = std::move(faults); }

 private:
  const gateway::Parts parts_;
  gateway::Gates& gates_;
  std::string source_;
  std::int64_t started_ms_;
  std::function<std::vector<std::string>()> more_faults_;
};

}  // namespace callgate::cli
