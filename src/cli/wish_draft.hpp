#pragma once

#include <stop_token>
#include <string>

#include "admin/drafter.hpp"
#include "cli/model_endpoint.hpp"
#include "cli/server_classes.hpp"
#include "generate/policy.hpp"
#include "policy/load.hpp"

namespace callgate::cli {

/// What a draft is made from: values only, so that a thread can have them.
struct WishOrder {
  std::string server;
  std::string wish;
  std::string tools;       ///< JSON array of definitions
  ClassRules rules;        ///< how they are judged
  std::string in_force;    ///< text of the policy that the wish is laid over; empty: none
  admin::DraftBase base;
  Result<std::optional<ModelEndpoint>> model = std::nullopt;  ///< whom to show it to, or why nobody
};

/// Drafts what a sentence asks for and holds it against the tools: every fault and
/// warning of `policy check --strict`, and its own tests. Reads and writes no file.
/// `changes` tell calls that are judged otherwise and every part of the policy in force that
/// is dropped, replaced or loosened; whatever the wish does not speak of stays. Takes as long as the model's patience and judging that many tools. Threads: any.
admin::PolicyDraft draft_wish(const WishOrder& order, const std::stop_token& stop = {});

/// How many of the tools a policy lets be called. `listed` counts also those that nobody can call.
generate::Effect effect_of(const policy::Loaded& policy, const policy::ToolList& tools, std::size_t listed);

}  // namespace callgate::cli
