#include "mcp/servers_code.hpp"

#include <fmt/format.h>

#include "mcp/codes.hpp"
#include "mcp/splice.hpp"

namespace callgate::mcp {

namespace {

/// The error that the message is about; empty where there is none.
json::Value error_of(const Message& message) {
  if (message.error) return message.error;
  const json::Value holder = message.result ? message.result : message.params;
  return holder ? holder.find("error").value_or(json::Value()) : json::Value();
}

std::int64_t code_of(json::Value error) {
  const auto code = error && error.is_object() ? error.find("code") : std::nullopt;
  return code ? code->as_int64().value_or(0) : 0;
}

}  // namespace

bool is_own_code(std::int64_t code) { return code >= code::denied && code <= code::undecided; }

bool says_own_code(const Message& message) { return is_own_code(code_of(error_of(message))); }

std::string with_servers_code(const Message& message) {
  const json::Value error = error_of(message);
  const auto words = error.find("message");
  const auto data = error.find("data");
  const std::string told = fmt::format(R"({{"code":{},"message":{},"data":{{"server_code":{}{}{}}}}})", code::internal_error,
                                       words && words->is_string() ? words->text() : std::string_view(R"("")"), code_of(error),
                                       data ? R"(,"server_data":)" : "", data ? data->text() : std::string_view());
  const Edit edit = replace(error, told);
  return splice(message.bytes(), std::span(&edit, 1));
}

}  // namespace callgate::mcp
