#include "approval/question_fields.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/sha256.hpp"

namespace callgate::approval {
namespace {

struct OfBinding {
  std::string_view name;
  std::string Binding::*text;
};
constexpr std::array<OfBinding, 10> binding_fields{{{"grant", &Binding::grant},
                                                   {"bound_session", &Binding::session},
                                                   {"server", &Binding::server},
                                                   {"address", &Binding::address},
                                                   {"account", &Binding::account},
                                                   {"tool", &Binding::tool},
                                                   {"args_digest", &Binding::args_digest},
                                                   {"rest_digest", &Binding::rest_digest},
                                                   {"definition", &Binding::definition},
                                                   {"rule_digest", &Binding::rule_digest}}};

struct OfQuestion {
  std::string_view name;
  std::string Question::*text;
};
constexpr std::array<OfQuestion, 5> question_fields{{{"arguments", &Question::arguments},
                                                     {"bytes", &Question::bytes},
                                                     {"session", &Question::session},
                                                     {"rule", &Question::rule},
                                                     {"reason", &Question::reason}}};

struct OfAnswer {
  std::string_view name;
  std::string Approval::*text;
};
constexpr std::array<OfAnswer, 2> answer_fields{{{"answered_by", &Approval::answered_by}, {"answer_reason", &Approval::answer_reason}}};

struct Time {
  std::string_view name;
  std::int64_t Approval::*ms;
};
constexpr std::array<Time, 4> times{{{"asked_at", &Approval::asked_at_ms},
                                     {"expires_at", &Approval::expires_at_ms},
                                     {"answered_at", &Approval::answered_at_ms},
                                     {"ended_at", &Approval::ended_at_ms}}};

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void read_field(Approval& approval, std::string_view name, const std::string& text) {
  for (const OfBinding& field : binding_fields) {
    if (field.name == name) approval.question.binding.*field.text = text;
  }
  for (const OfQuestion& field : question_fields) {
    if (field.name == name) approval.question.*field.text = text;
  }
  for (const OfAnswer& field : answer_fields) {
    if (field.name == name) approval.*field.text = text;
  }
  for (const Time& field : times) {
    if (field.name == name) approval.*field.ms = number(text);
  }
  if (name == "timeout") approval.question.timeout = std::chrono::seconds(number(text));
}

}  // namespace

void append_fields(std::vector<std::string>& out, const Question& question) {
  const auto add = [&](std::string_view name, std::string text) {
    out.emplace_back(name);
    out.push_back(std::move(text));
  };
  for (const OfBinding& field : binding_fields) add(field.name, question.binding.*field.text);
  for (const OfQuestion& field : question_fields) add(field.name, question.*field.text);
  add("timeout", std::to_string(question.timeout.count()));
}

std::optional<Approval> read_fields(std::string id, const net::RedisReply& fields) {
  std::optional<State> state;
  Approval approval{.id = std::move(id)};
  for (std::size_t i = 0; i + 1 < fields.items.size(); i += 2) {
    const std::string& name = fields.items[i].text;
    const std::string& text = fields.items[i + 1].text;
    if (name == "state") state = state_of(text);
    else read_field(approval, name, text);
  }
  if (!state) return std::nullopt;
  approval.state = *state;
  return approval;
}

std::string digest_of(const Binding& binding) {
  std::string whole;
  for (const OfBinding& field : binding_fields) {
    const std::string& text = binding.*field.text;
    whole += fmt::format("{}:{}", text.size(), text);
  }
  return sha256_hex(whole);
}

}  // namespace callgate::approval
