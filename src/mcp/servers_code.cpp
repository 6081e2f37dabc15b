#include "mcp/servers_code.hpp"

#include <fmt/format.h>

#include "base/decimal.hpp"
#include "mcp/codes.hpp"
#include "mcp/splice.hpp"

namespace callgate::mcp {

json::Value error_of(const Message& message) {
  if (message.error) return message.error;
  const json::Value holder = message.result ? message.result : message.params;
  return holder ? holder.find("error").value_or(json::Value()) : json::Value();
}

std::optional<std::int64_t> error_code_of(const Message& message) {
  const json::Value error = error_of(message);
  const auto code = error && error.is_object() ? error.find("code") : std::nullopt;
  const auto number = code && code->is_number() ? Decimal::parse(code->text()) : std::nullopt;
  return number ? number->as_int64() : std::nullopt;
}

bool is_own_code(std::int64_t code) { return code >= code::denied && code <= code::undecided; }

bool says_own_code(const Message& message) { return is_own_code(error_code_of(message).value_or(0)); }

std::string with_servers_code(const Message& message) {
  const json::Value error = error_of(message);
  const auto words = error.find("message");
  const auto data = error.find("data");
  const std::string told = fmt::format(R"({{"code":{},"message":{},"data":{{"server_code":{}{}{}}}}})", code::internal_error,
                                       words && words->is_string() ? words->text() : std::string_view(R"("")"), error_code_of(message).value_or(0),
                                       data ? R"(,"server_data":)" : "", data ? data->text() : std::string_view());
  const Edit edit = replace(error, told);
  return splice(message.bytes(), std::span(&edit, 1));
}

}  // namespace callgate::mcp
