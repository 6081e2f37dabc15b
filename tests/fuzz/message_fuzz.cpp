#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include "base/utf8.hpp"
#include "mcp/answers.hpp"
#include "mcp/discovery.hpp"
#include "mcp/handshake.hpp"
#include "mcp/headers.hpp"
#include "mcp/hidden_parts.hpp"
#include "mcp/message.hpp"
#include "mcp/requests.hpp"
#include "mcp/splice.hpp"
#include "mcp/sse.hpp"
#include "mcp/to_legacy.hpp"
#include "mcp/to_modern.hpp"
#include "mcp/tool_call.hpp"
#include "mcp/tool_list.hpp"
#include "mcp/trace.hpp"
#include "mcp/unknown_tool.hpp"

/// Everything of the room mcp that meets bytes of strangers, with what must hold
/// whatever they are.
namespace callgate::mcp {
namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

void read_typed(const Message& message) {
  (void)read_tool_call(message);
  (void)read_resource_request(message);
  (void)read_prompt_get(message);
  (void)read_completion(message);
  (void)read_task_request(message);
  (void)read_list_request(message);
  (void)read_cancelled(message);
  (void)read_progress(message);
  (void)read_initialize(message);
  const std::string_view trace = trace_id(message);
  must(trace.empty() || (trace.size() == 32 && trace.find_first_not_of("0123456789abcdef") == std::string_view::npos));
}

/// An id that was read can be found leniently and replaced, and nothing else changes.
void check_id(const Message& message, Direction direction) {
  if (!message.id) return;
  must(salvage_id(message.bytes()) == message.id_text);
  must(same_id(message.id_text, message.id_text));
  std::string out;
  json::Document document;
  const std::array edits{replace(message.id, "\"fuzz\"")};
  const auto again = splice_and_read(message, edits, direction, {}, out, document);
  must(again && again->id_text == "\"fuzz\"" && again->method.view() == message.method.view() && again->kind == message.kind);
  must(out.size() + message.id_text.size() == message.bytes().size() + 6);
}

/// Headers made from a body hold no line ends, and agree with it where the method is one of the protocol's.
void check_mirrors(const Message& message) {
  if (!message.is_request()) return;
  const auto meta = read_request_meta(message);
  if (!meta || !meta->has_protocol_version) return;
  constexpr std::array supported{Revision::r2026_07_28};
  const std::vector<ParamHeader> params{{.name = "A", .path = {"a"}}, {.name = "B", .path = {"b", "c"}}};
  const auto made = mirrored_headers(message, Revision::r2026_07_28, params);
  std::vector<Header> headers;
  for (const auto& [name, value] : made) {
    must(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    headers.push_back({name, value});
  }
  const auto fault = check_headers(headers, message, *meta, Era::modern, supported, params);
  const bool complete = meta->protocol_version.view() == "2026-07-28" && meta->client_capabilities;
  must(!fault || !complete || message.method_id == MethodId::unknown);
}

void check_lists(const Message& message) {
  for (const ListShape shape : {tool_list, resource_list}) {
    const auto page = read_list_page(message, shape);
    if (!page) continue;
    const auto readable = static_cast<std::size_t>(std::ranges::count_if(page->items, [](const ListItem& item) { return item.fault.empty(); }));
    must((filter_list(*page, [](const ListItem&) { return true; }) == message.bytes()) == (readable == page->items.size()));
    std::size_t kept = 0;
    const Keep odd = [&kept, at = 0](const ListItem&) mutable { return ++at % 2 == 1 && ++kept != 0; };
    const std::array pages{*page, *page};
    for (const std::string& out : {filter_list(*page, odd), join_lists(pages, [](const ListItem&) { return true; })}) {
      json::Document document;
      const auto again = read_message(out, document, Direction::from_server);
      const auto list = again ? read_list_page(*again, shape) : fail(ErrorKind::invalid, "");
      must(list && std::ranges::all_of(list->items, [](const ListItem& item) { return item.fault.empty(); }));
    }
    must(kept == (readable + 1) / 2);
  }
}

/// What is hidden is gone, and what is left can be read.
void check_discovery(const Message& message) {
  if (!message.result) return;
  const std::string out = shown_discovery(message, {.tools = true, .prompts = true, .resources = true, .instructions = true, .depends_on_caller = true});
  json::Document document;
  const auto again = read_message(out, document, Direction::from_server);
  must(again && again->result && !again->result.find("instructions"));
  const auto capabilities = again->result.find("capabilities");
  must(!capabilities || !capabilities->is_object() || !capabilities->find("tools"));
}

/// What is hidden is gone after one cut, what is left can be read, and where nothing is hidden nothing changes.
void check_hidden(const Message& message) {
  must(!without_hidden(message, {}));
  const auto odd = [](std::string_view text) { return text.size() % 2 == 1; };
  NameShape shape;
  shape.add("a-b");
  const auto names_hidden = [&](std::string_view text) {
    Steps steps(std::size_t{1} << 24U);
    return text.contains('Z') || holds_name(text, shape, [](std::string_view name) { return name == "a-b"; }, steps) || holds_address(text, odd, steps);
  };
  const HiddenNames hidden{.resource = odd, .value = odd, .text = names_hidden};
  const auto out = without_hidden(message, hidden);
  if (!out) return;
  json::Document document;
  const auto again = read_message(*out, document, Direction::from_server);
  must(again && again->id_text == message.id_text && !without_hidden(*again, hidden));
  must(!may_hold_addresses(*out) || may_hold_addresses(message.bytes()));
}

bool same_nodes(const json::Document& a, const json::Document& b) {
  return std::ranges::equal(a.nodes(), b.nodes(), [](const json::Node& x, const json::Node& y) {
    return x.begin == y.begin && x.end == y.end && x.next == y.next && x.count == y.count && x.kind == y.kind && x.escaped == y.escaped;
  });
}

/// What was put together is what a reading of it finds.
void check_written(const Written& written) {
  json::Document document;
  const auto again = read_message(written.bytes, document, Direction::from_client);
  must(again && again->id_text == written.message.id_text && again->method.view() == written.message.method.view());
  must(same_nodes(document, written.document));
}

/// Across the eras: a request says the same with the envelope and without it.
void check_bridges(const Message& message) {
  if (!message.is_request()) return;
  WrittenEnvelope envelope;
  must(envelope.write({.capabilities = R"({"roots":{}})", .client_info = R"({"name":"f","version":"1"})", .log_level = {}}).has_value());
  Written out;
  if (with_envelope(message, envelope, out)) {
    check_written(out);
    must(logical_text(out.message) == logical_text(message));
  }
  if (!message.params || !without_envelope(message, "\"callgate-1\"", out)) return;
  check_written(out);
  must(logical_text(out.message) == logical_text(message) && out.message.id_text == "\"callgate-1\"");
}

/// A look at an answer says what a reading of it says.
void check_look(const Message& message) {
  const AnswerLook look = look_at(message);
  must(look.id.in(message.bytes()) == message.id_text && look.needs_input == is_input_required(message));
  const auto goes_on = [&](std::string_view name) { return message.result && message.result.find(name).has_value(); };
  must(look.may_go_on || (!goes_on("inputRequests") && !goes_on("requestState") && !goes_on("task") && !look.needs_input));
  if (!message.id) return;
  const std::string made = modern_answer(message.bytes(), look, "\"fuzz\"", MethodId::tools_list);
  json::Document document;
  const auto again = read_message(made, document, Direction::from_server);
  must(again && again->id_text == "\"fuzz\"" && (!again->result || (again->result.find("resultType") && again->result.find("ttlMs"))));
  const auto legacy = legacy_answer(message.bytes(), look, "\"fuzz\"", MethodId::resources_read);
  must(!legacy || read_message(*legacy, document, Direction::from_server).has_value());
}

/// Another reader of UTF-8 is the judge of ours.
void check_text(std::string_view bytes) {
  must(is_utf8(bytes) == simdjson::validate_utf8(bytes.data(), bytes.size()));
  const std::size_t first = utf8_length(bytes);
  must(first == 0 || is_utf8(bytes.substr(0, first)));
}

void check_message(std::string_view bytes, Direction direction) {
  check_text(bytes);
  json::Document document;
  const auto message = read_message(bytes, document, direction);
  if (!message) {
    json::Document answer;
    must(json::parse(refuse_unreadable(bytes, message.error()), {.check_number_range = false}, answer).has_value());
    return;
  }
  read_typed(*message);
  check_id(*message, direction);
  check_mirrors(*message);
  if (direction == Direction::from_client) check_bridges(*message);
  if (direction == Direction::from_server && message->is_response()) check_look(*message);
  check_lists(*message);
  check_discovery(*message);
  if (direction == Direction::from_server && message->is_response()) check_hidden(*message);
  if (direction == Direction::from_server && message->id) {
    const auto learned = UnknownToolAnswer::learn(bytes, "probe", message->id_text);
    if (!learned) return;
    json::Document answer;
    must(json::parse(learned->render("a\"b\n", "7"), {.check_number_range = false}, answer).has_value());
  }
}

std::string events(std::string_view stream, std::size_t size) {
  SseReader reader(1 << 20);
  std::string out;
  for (std::size_t at = 0; at < stream.size(); at += size) {
    reader.push(stream.substr(at, size));
    for (auto event = reader.next(); event && *event; event = reader.next()) {
      out += (*event)->has_data ? "[" : "(";
      out += (*event)->data;
      out += "|";
      out += (*event)->type;
      out += "|";
      out += (*event)->id.value_or("-");
      out += (*event)->retry.value_or("-");
    }
  }
  return out;
}

}  // namespace
}  // namespace callgate::mcp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace callgate::mcp;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_message(bytes, Direction::from_client);
  check_message(bytes, Direction::from_server);
  if (size < 4096) must(events(bytes, size + 1) == events(bytes, 1) && events(bytes, 1) == events(bytes, 3));
  return 0;
}
