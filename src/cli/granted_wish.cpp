#include "cli/granted_wish.hpp"

#include <fmt/format.h>

#include <utility>

#include "generate/wish_model.hpp"
#include "registry/difference.hpp"

namespace callgate::cli {
namespace {

Result<std::string> worded_by(const ModelEndpoint& endpoint, std::string_view sentence, std::span<const json::Value> definitions, std::span<const classify::Classification> tools,
                              const std::stop_token& stop) {
  const auto request = generate::model_request(sentence, definitions, tools, endpoint.model);
  if (!request) return std::unexpected(request.error());
  const auto answer = ask_model(endpoint, *request, stop);
  if (!answer) return std::unexpected(answer.error());
  return generate::clauses_of_answer(*answer);
}

}  // namespace

GrantedWish grant_wish(std::string_view sentence, std::string_view server, std::span<const json::Value> definitions, std::span<const classify::Classification> tools,
                       const Result<std::optional<ModelEndpoint>>& model, const std::stop_token& stop, const generate::Standing* standing) {
  GrantedWish granted;
  std::string trouble = model ? "" : model.error().message;
  if (model && *model) {
    const auto clauses = worded_by(**model, sentence, definitions, tools, stop);
    if (clauses) {
      granted.wished = generate::wish_policy(*clauses, server, definitions, tools, sentence, standing);
      granted.made_by = "model";
      granted.notes = {fmt::format("the model put the wish as: {}", registry::visible(*clauses))};
      if (granted.wished.faults.empty()) return granted;
    }
    trouble = clauses ? "what it says cannot be used: " + granted.wished.faults.front() : clauses.error().message;
  }
  granted.wished = generate::wish_policy(sentence, server, definitions, tools, {}, standing);
  granted.made_by = "grammar";
  if (trouble.empty()) return granted;
  granted.notes.push_back("the model was of no use: " + trouble);
  if (granted.wished.faults.empty()) granted.notes.emplace_back("the wish was read by the built-in grammar instead");
  else granted.wished.faults.push_back("neither the model nor the built-in grammar could read the wish: mend what the model's line says, or use the words of `callgate policy generate --help`");
  return granted;
}

}  // namespace callgate::cli
