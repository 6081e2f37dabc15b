#pragma once

#include <stop_token>
#include <string>

#include "admin/drafter.hpp"
#include "cli/model_endpoint.hpp"
#include "cli/server_classes.hpp"

namespace callgate::cli {

/// What a draft is made from: values only, so that a thread can have them.
struct WishOrder {
  std::string server;
  std::string wish;
  std::string tools;       ///< JSON array of definitions
  ClassRules rules;        ///< how they are judged
  std::string in_force;    ///< text of the policy that the draft would replace; empty: none
  admin::DraftBase base;
  Result<std::optional<ModelEndpoint>> model = std::nullopt;  ///< whom to show it to, or why nobody
};

/// Drafts what a sentence asks for and holds it against the tools: every fault and
/// warning of `policy check --strict`, and its own tests. Reads and writes no file.
/// Takes as long as the model's patience and judging that many tools. Threads: any.
admin::PolicyDraft draft_wish(const WishOrder& order, const std::stop_token& stop = {});

}  // namespace callgate::cli
