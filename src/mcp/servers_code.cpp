#include "mcp/servers_code.hpp"

#include <charconv>
#include <cmath>
#include <system_error>

#include <fmt/format.h>

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
  if (!code || !code->is_number()) return std::nullopt;
  const std::string_view text = code->text();
  double number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{}) return std::nullopt;
  constexpr double most = 9007199254740992;  // 2^53: beyond it a double says nothing of single numbers
  if (std::abs(number) > most || std::trunc(number) != number) return std::nullopt;
  return static_cast<std::int64_t>(number);
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
