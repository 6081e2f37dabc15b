#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "classify/classification.hpp"
#include "cli/model_endpoint.hpp"
#include "generate/wish.hpp"

namespace callgate::cli {

/// A wish, read by a model or by the grammar alone.
struct GrantedWish {
  generate::Wished wished;
  std::string made_by = "grammar";  ///< or `model`
  std::vector<std::string> notes;   ///< what a person should know: what the model made of it, or why it was of no use
};

/// Lays it over the policy that stands, where there is one. Shows the wish to the model, where there is one, and reads what it puts it as; where it
/// cannot be had, or says what the grammar does not know, the wish's own words are read.
GrantedWish grant_wish(std::string_view sentence, std::string_view server, std::span<const json::Value> definitions, std::span<const classify::Classification> tools,
                       const Result<std::optional<ModelEndpoint>>& model, const std::stop_token& stop = {}, const generate::Standing* standing = nullptr);

}  // namespace callgate::cli
