#include "mcp/unknown_tool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "mcp/answers.hpp"
#include "mcp/message.hpp"
#include "mcp/text.hpp"

namespace callgate::mcp {

namespace {

/// Appends `text` with every probe name replaced; `name` is ready for a JSON string.
void append_renamed(std::string& out, std::string_view text, std::string_view probe, std::string_view name) {
  for (;;) {
    const std::size_t at = text.find(probe);
    out += text.substr(0, at);
    if (at == std::string_view::npos) return;
    out += name;
    text.remove_prefix(at + probe.size());
  }
}

std::string lower_case(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

/// Whether one text of the result names this tool and says that there is none such. A server that ran it may repeat the name, or say that something else was
/// not found.
bool says_unknown(json::Value result, std::string_view name) {
  static constexpr std::array<std::string_view, 3> words{"unknown tool", "no such tool", "tool not found"};
  const auto content = result.find("content");
  if (!content || !content->is_array()) return false;
  for (const json::Value block : content->elements()) {
    const auto text = block.find("text");
    if (!text || !text->is_string()) continue;
    const std::string said = text->string();
    const std::string folded = lower_case(said);
    if (said.contains(name) && std::ranges::any_of(words, [&folded](std::string_view word) { return folded.contains(word); })) return true;
  }
  return false;
}

/// Servers refuse in one of three ways: by an error, by a result that is marked as one, or in words alone. Some put the result into `toolResult`, as
/// revision 2024-10-07 had it.
bool is_refusal(const Message& message, std::string_view name) {
  if (message.error) return true;
  json::Value result = message.result;
  if (const auto inner = result.find("toolResult"); inner && inner->is_object()) result = *inner;
  const auto failed = result.find("isError");
  return (failed && failed->is_boolean() && failed->boolean()) || says_unknown(result, name);
}

}  // namespace

Result<UnknownToolAnswer> UnknownToolAnswer::learn(std::string_view answer, std::string_view probe_name,
                                                   std::string_view probe_id) {
  json::Document document;
  const auto message = read_message(answer, document, Direction::from_server);
  if (!message) return std::unexpected(message.error());
  if (!message->is_response() || !message->id || !same_id(message->id_text, probe_id))
    return fail(ErrorKind::invalid, "the answer is not that of the probe");

  UnknownToolAnswer learned;
  learned.answer_ = answer;
  learned.probe_name_ = probe_name;
  learned.probe_id_ = probe_id;
  learned.ran_ = !is_refusal(*message, probe_name);
  return learned;
}

std::string UnknownToolAnswer::render(std::string_view name, std::string_view id_text) const {
  if (!is_learned()) return unknown_tool(id_text, name);

  json::Document document;
  const auto message = read_message(answer_, document, Direction::from_server);
  if (!message) return unknown_tool(id_text, name);
  const std::string quoted = json::quoted(name);
  const std::string_view inner = std::string_view(quoted).substr(1, quoted.size() - 2);
  const std::string_view bytes = answer_;
  const std::size_t id_end = message->id.offset() + message->id_text.size();

  std::string out;
  out.reserve(bytes.size() + quoted.size() + id_text.size());
  append_renamed(out, bytes.substr(0, message->id.offset()), probe_name_, inner);
  out += id_text;
  append_renamed(out, bytes.substr(id_end), probe_name_, inner);
  return out;
}

std::string UnknownToolAnswer::stored() const {
  if (answer_.empty()) return {};
  return fmt::format(R"({{"answer":{},"name":{},"id":{}}})", json::quoted(answer_), json::quoted(probe_name_),
                     json::quoted(probe_id_));
}

Result<UnknownToolAnswer> UnknownToolAnswer::from_stored(std::string_view text) {
  if (text.empty()) return UnknownToolAnswer();
  json::Document document;
  if (auto parsed = json::parse(text, {}, document); !parsed) return std::unexpected(std::move(parsed.error()));
  const auto member = [&document](std::string_view key) {
    const auto value = document.root().find(key);
    return value && value->is_string() ? value->string() : std::string();
  };
  return learn(member("answer"), member("name"), member("id"));
}

}  // namespace callgate::mcp
