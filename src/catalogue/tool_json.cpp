#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "base/json.hpp"
#include "catalogue/tool_page.hpp"
#include "generate/policy_text.hpp"

namespace callgate::catalogue {
namespace {

/// Members of an object, in the order they are added. Values are JSON text.
class Object {
 public:
  Object& add(std::string_view key, std::string_view value) {
    fmt::format_to(std::back_inserter(out_), "{}\"{}\":{}", out_.size() > 1 ? "," : "", key, value);
    return *this;
  }
  Object& text(std::string_view key, std::string_view value) { return add(key, json::quoted(value)); }
  Object& add_if(std::string_view key, std::string_view value) { return value.empty() ? *this : add(key, value); }
  Object& text_if(std::string_view key, std::string_view value) { return value.empty() ? *this : text(key, value); }
  std::string take() { return std::move(out_) + "}"; }

 private:
  std::string out_ = "{";
};

template <class Range, class Write>
std::string array_of(const Range& range, Write write) {
  std::string out = "[";
  for (const auto& each : range) out += (out.size() > 1 ? "," : "") + write(each);
  return out + "]";
}

std::string texts(const auto& range) {
  return array_of(range, [](const auto& each) { return json::quoted(each); });
}

std::string evidence_json(const classify::Evidence& each) {
  return Object()
      .text("for", word(each.claim))
      .text("field", each.field)
      .text("text", each.text)
      .add("start", std::to_string(each.start))
      .add("end", std::to_string(each.end))
      .text("says", each.says)
      .text("rule", each.rule)
      .add("against", each.against ? "true" : "false")
      .take();
}

std::string modes_json(const classify::Modes& modes, const std::optional<generate::ModeVerdicts>& verdicts) {
  std::string values;
  for (std::size_t i = 0; i < modes.values.size(); ++i) {
    const classify::Mode& each = modes.values[i];
    Object mode;
    mode.text("value", each.value).text("category", word(each.category)).text("risk", word(each.risk));
    if (verdicts) mode.text("verdict", policy::word(verdicts->values[i]));
    values += (i == 0 ? "" : ",") + mode.take();
  }
  Object all;
  all.text("argument", modes.argument).add("closed", modes.closed ? "true" : "false").add("values", "[" + values + "]");
  if (verdicts && verdicts->anything_else) all.text("anything_else", policy::word(*verdicts->anything_else));
  if (verdicts && verdicts->left_out_is) all.text("left_out_is", modes.values[*verdicts->left_out_is].value);
  if (verdicts && verdicts->left_out) all.text("left_out", policy::word(*verdicts->left_out));
  return all.take();
}

std::string attack_json(const Attack* attack) {
  const auto reference = [](const Reference& each) { return Object().text("kind", each.kind).text("address", each.address).text("label", each.label).take(); };
  return Object()
      .text("id", attack->id)
      .text("name", attack->name)
      .text("severity", word(attack->severity))
      .text("happens", attack->happens)
      .text("answered_by", attack->answered_by)
      .add("mappings", texts(attack->mappings))
      .add("references", array_of(attack->references, reference))
      .take();
}

std::string parameter_json(const ParameterRow& row) {
  return Object()
      .text("path", row.path)
      .text("type", row.type)
      .add("required", row.required ? "true" : "false")
      .text_if("default", row.fallback)
      .text_if("bounds", row.bounds)
      .text_if("from_text", row.from_text)
      .add("free_object", row.free_object ? "true" : "false")
      .text_if("description", row.description)
      .take();
}

std::string limit_json(const std::optional<generate::Limit>& limit) {
  return limit ? fmt::format("{{\"max\":{},\"window\":\"{}\"}}", limit->max, generate::window_text(limit->window)) : std::string();
}

std::string case_json(const generate::Case& each) {
  Object out;
  out.text("argument", each.argument).add("values", texts(each.values)).add("left_out", each.missing ? "true" : "false").text("action", policy::word(each.action)).text_if("reason", each.reason);
  return out.add_if("rate_limit", limit_json(each.limit)).take();
}

std::string rule_json(const ToolView& view) {
  if (view.rule == nullptr) return "null";
  Object rule;
  rule.text("action", policy::word(view.rule->action)).text_if("reason", view.rule->reason);
  rule.add_if("rate_limit", limit_json(view.rule->limit));
  if (!view.rule->cases.empty()) rule.add("cases", array_of(view.rule->cases, case_json));
  return rule.add("tests", std::to_string(view.rule->tests.size())).text("policy", view.policy).take();
}

std::string own_word_json(const OwnWord& says) {
  return says.any() ? Object().text_if("name", says.name).text_if("title", says.title).text_if("version", says.version).take() : std::string();
}

std::string server_json(const ServerFacts& server) {
  return Object()
      .text("id", server.id)
      .text_if("package", server.package)
      .text_if("version", server.version)
      .text_if("address", server.address)
      .text_if("transport", server.transport)
      .text_if("protocol", server.protocol)
      .text_if("listed_at", server.listed_at)
      .add_if("says", own_word_json(server.says))
      .take();
}

std::string class_json(classify::Category category, classify::Risk risk) { return Object().text("category", word(category)).text("risk", word(risk)).take(); }

std::string override_json(const classify::Overridden& said) {
  return Object().add("judged", class_json(said.category, said.risk)).text("reason", said.reason).take();
}

std::string kept_json(const KeptFacts& kept) {
  return Object()
      .text("state", word(kept.state))
      .text_if("pinned_on", kept.pinned_on)
      .text_if("offered_on", kept.offered_on)
      .text_if("difference", kept.difference)
      .take();
}

}  // namespace

std::string tool_json(const ToolView& view) {
  const classify::Classification& tool = *view.tool;
  Object out;
  out.text("schema", "https://callgate.dev/schemas/catalogue-tool-1.json")
      .add("server", server_json(*view.server))
      .text("tool", tool.tool)
      .text_if("title", view.title)
      .text("description", view.description)
      .text("category", word(tool.category))
      .text("risk", word(tool.risk))
      .add("confidence", fmt::format("{:.3g}", tool.confidence))
      .text_if("definition", view.hash)
      .add("override", tool.overridden ? override_json(*tool.overridden) : "null")
      .add("pin", view.kept != nullptr ? kept_json(*view.kept) : "null")
      .add("annotations", view.annotations.empty() ? "null" : view.annotations)
      .add("output_schema", view.has_output_schema ? "true" : "false")
      .add("evidence", array_of(tool.evidence, evidence_json))
      .add("signals", texts(tool.signals))
      .add("modes", tool.modes ? modes_json(*tool.modes, view.mode_verdicts) : "null")
      .add("attacks", array_of(view.attacks, attack_json))
      .add("rule", rule_json(view))
      .add("parameters", array_of(std::span(view.parameters).first(std::min(view.parameters.size(), max_parameter_rows)), parameter_json))
      .add("siblings", array_of(view.siblings, [](const Sibling& each) {
             return Object().text("tool", each.tool->tool).text("category", word(each.tool->category)).text("risk", word(each.tool->risk)).text("file", each.file).take();
           }))
      .add("servers", texts(view.servers))
      .text("classifier", view.classifier)
      .text("callgate", CALLGATE_VERSION);
  return out.take() + "\n";
}

}  // namespace callgate::catalogue
