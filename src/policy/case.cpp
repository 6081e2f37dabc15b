#include "policy/case.hpp"

#include <utility>

#include "policy/tool_class.hpp"

namespace callgate::policy {
namespace {

constexpr std::array<std::string_view, 4> later_variables = {"principal", "grant", "session", "now"};
constexpr std::array<std::string_view, 4> later_functions = {"calls", "seen", "total", "distinct"};

}  // namespace

cel::Scope case_scope(cel::Type arguments) {
  const cel::Type text{.kinds = cel::bit(cel::Kind::text)};
  cel::Type category = text;
  category.words.emplace_back();  // a tool that nobody classified
  for (const std::string_view word : category_words) category.words.emplace_back(word);
  cel::Type risk = text;
  for (const std::string_view word : risk_words) risk.words.emplace_back(word);
  return {.variables = {{"args", std::move(arguments)}, {"tool.name", text}, {"tool.category", category}, {"tool.risk", risk}, {"tool.server", text}},
          .later_variables = {later_variables.begin(), later_variables.end()},
          .later_functions = {later_functions.begin(), later_functions.end()}};
}

const cel::Scope& case_scope() {
  static const cel::Scope scope = case_scope(cel::Type{.kinds = cel::bit(cel::Kind::map)});
  return scope;
}

bool reads_tool(const cel::Expression& condition) {
  const std::size_t count = case_scope().variables.size();
  for (std::size_t variable = 1; variable < count; ++variable) {
    if (condition.reads(variable)) return true;
  }
  return false;
}

CaseInput::CaseInput(const Request& request, json::Value arguments)
    : variables_{cel::Value::document(arguments), cel::Value::text(request.name), cel::Value::text(request.tool.is.category),
                 cel::Value::text(risk_words[static_cast<std::size_t>(request.tool.is.risk)]),
                 request.tool.server.empty() ? cel::Value::fault({}) : cel::Value::text(request.tool.server)},
      of_tool_(request.action == Action::tool_call) {}

std::string CaseInput::why(const Case& each) { return each.when.why(variables_, budget_); }

}  // namespace callgate::policy
