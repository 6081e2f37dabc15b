#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "mcp/codes.hpp"
#include "mcp/message.hpp"
#include "mcp/methods.hpp"

/// The gateway's own answers, as the bytes of one JSON-RPC message without line
/// end. Everywhere `id_text` is the caller's id exactly as it was written; empty
/// stands for an id that is not known and becomes null. Pure; any thread.
namespace callgate::mcp {

/// What an agent gets to know of a refusal, for programs. Members that are empty
/// or nothing, but for `rule` and `policy`, are left out. Holds no argument values.
struct DecisionNote {
  struct Approval {
    std::string_view id;
    std::string_view url;         ///< empty where no admin listener serves the page
    std::string_view expires_at;  ///< RFC 3339
  };
  std::string_view id;       ///< as in the audit record
  std::string_view verdict;  ///< word of the policy language
  std::string_view rule;     ///< JSON Pointer into the policy file
  std::string_view reason;   ///< one sentence
  std::optional<std::uint64_t> retry_after_s = std::nullopt;
  std::optional<std::uint64_t> remaining = std::nullopt;
  std::optional<Approval> approval = std::nullopt;
  std::string_view policy;   ///< content hash
};

/// A JSON-RPC error. `data` is JSON text, left out when empty.
std::string rpc_error(std::string_view id_text, int code, std::string_view message, std::string_view data = {});

/// The answer to bytes that read_message refused: the right code, and the
/// caller's id where the text is JSON and has one.
std::string refuse_unreadable(std::string_view bytes, const Error& error);

/// −32601 for a method that the allow-list does not hold.
std::string method_not_found(std::string_view id_text, std::string_view method);

/// The refusal of a tool call: an ordinary result with `isError`, which reaches
/// the model (server/tools, "Error Handling"), `text` for the model, `note` for
/// programs in `_meta["dev.callgate/decision"]`. Never `structuredContent`:
/// strict clients hold it against the tool's outputSchema.
std::string denied_call(std::string_view id_text, std::string_view text, const DecisionNote& note, Era era);

/// A tool call that went wrong on the way, as a result that reaches the model.
std::string failed_call(std::string_view id_text, std::string_view text, Era era);

/// The refusal of any other request: an error, `code` one of our own, with the
/// note as its data.
std::string denied_request(std::string_view id_text, int code, std::string_view text, const DecisionNote& note);

/// −32602 `Unknown tool: <name>`: for tools that do not exist and tools that are
/// hidden, where the server's own form was not learned.
std::string unknown_tool(std::string_view id_text, std::string_view name);

/// The answer for a hidden resource: that of one that does not exist.
std::string resource_not_found(std::string_view id_text, std::string_view uri, Era era);

/// The answer for a hidden prompt: that of one that does not exist.
std::string unknown_prompt(std::string_view id_text, std::string_view name);

/// The body with HTTP 404 for a session that is unknown, over or somebody else's.
inline constexpr std::string_view session_not_found =
    R"({"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}})";

/// −32602 for a task that does not exist, or is somebody else's.
std::string unknown_task(std::string_view id_text);

/// −32021 with HTTP 400: the caller did not declare the tasks extension that its
/// method belongs to (2026-07-28).
std::string tasks_not_declared(std::string_view id_text);
/// The same for another capability, `required` as JSON text.
std::string capability_missing(std::string_view id_text, std::string_view required);

/// The HTTP status of an answer that came without one (2026-07-28,
/// basic/transports/streamable-http): 404 for a method that the server does not
/// know, 400 for what it says of headers, capabilities and versions.
int status_of(const Message& answer);
/// The same for an error of this code; 0: for a result.
int status_of_code(std::int64_t number);

/// A result without content, e.g. for ping.
std::string empty_result(std::string_view id_text, Era era);

/// A result with the given JSON text.
std::string result(std::string_view id_text, std::string_view result_json);

}  // namespace callgate::mcp
