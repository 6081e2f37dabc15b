#include "mcp/answer_look.hpp"

#include <string>

namespace callgate::mcp {

namespace {

Place place_of(json::Value value) {
  return {.at = static_cast<std::uint32_t>(value.offset()), .size = static_cast<std::uint32_t>(value.text().size())};
}

void look_at_member(std::string_view key, json::Value value, AnswerLook& look) {
  if (key == "isError") {
    look.is_error = value.is_boolean() && value.boolean();
  } else if (key == "resultType") {
    look.has_type = true;
    look.needs_input = value.equals("input_required");
    look.may_go_on = look.may_go_on || !value.equals("complete");
  } else if (key == "ttlMs") {
    look.has_ttl = true;
  } else if (key == "cacheScope") {
    look.has_scope = true;
  } else if (key == "inputRequests" || key == "requestState" || key == "task" || key == "error") {
    look.may_go_on = true;
  }
}

}  // namespace

AnswerLook look_at(const Message& answer) {
  AnswerLook look{.may_go_on = false, .known = true};
  if (answer.id) look.id = place_of(answer.id);
  if (answer.error) {
    look.is_error = true;
    const json::Value code = answer.error.find("code").value_or(json::Value());
    if (code) look.code = place_of(code);
    look.code_number = code ? code.as_int64().value_or(0) : 0;
    return look;
  }
  look.result = place_of(answer.result);
  look.has_members = answer.result.size() != 0;
  std::string scratch;
  for (const auto [key, value] : answer.result.members()) look_at_member(key.string(scratch), value, look);
  return look;
}

AnswerLook with_id_of(AnswerLook look, std::size_t id_size) {
  const std::uint32_t id_at = look.id.at;
  const std::uint32_t before = look.id.size;
  look.id.size = static_cast<std::uint32_t>(id_size);
  const auto move = [&](Place& place) {
    if (place.at > id_at) place.at = place.at - before + look.id.size;
  };
  move(look.result);
  move(look.code);
  return look;
}

AnswerLook without_places(const AnswerLook& look) { return {.is_error = look.is_error, .may_go_on = look.may_go_on}; }

}  // namespace callgate::mcp
