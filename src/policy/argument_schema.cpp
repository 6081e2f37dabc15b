#include "policy/argument_schema.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/json.hpp"
#include "policy/values.hpp"

namespace callgate::policy {
namespace {

/// Arguments are an object; a schema that asks for anything else refuses every call.
void check_top_type(const yaml::Node& schema, Report& report) {
  const yaml::Member* type = schema.find("type");
  if (type == nullptr) return;
  bool takes_object = type->value.is_scalar() && type->value.text == "object";
  for (const yaml::Node& item : type->value.items) takes_object = takes_object || item.text == "object";
  if (!takes_object) {
    report.fault(type->value.mark, fmt::format("`type` is {}: the arguments are always an object, write `object` or leave it out",
                                               yaml::describe(type->value)));
  }
}

void check_dialect(const yaml::Node& schema, Report& report) {
  const yaml::Member* dialect = schema.find("$schema");
  if (dialect == nullptr || dialect->value.text.starts_with("https://json-schema.org/draft/2020-12/schema")) return;
  report.fault(dialect->value.mark, fmt::format("`$schema` is {}: `arguments` is JSON Schema 2020-12, leave `$schema` out",
                                                yaml::describe(dialect->value)));
}

std::optional<ArgumentSchema> compile(const yaml::Member& member, SchemaWords words, Report& report) {
  std::vector<Error> faults;
  std::string text = yaml::to_json(member.value, report.file(), faults);
  if (!faults.empty()) return std::nullopt;  // said already
  json::Limits limits;
  limits.check_number_range = false;  // bounds of any size compare exactly
  const auto document = json::OwnedDocument::parse(std::move(text), limits);
  if (!document) {
    report.fault(member.value.mark, fmt::format("`{}` cannot be read: {}", member.key, document.error().message));
    return std::nullopt;
  }
  const schema::Compiled compiled = schema::Schema::check((*document)->root());
  for (const Error& fault : compiled.faults) {
    report.fault(yaml::at_pointer(member.value, fault.where).mark, fmt::format("`{}` is not usable: {}", member.key, fault.message),
                 fault.kind);
  }
  if (!compiled.schema) return std::nullopt;
  ArgumentSchema read{compiled.schema, std::move(words), {}};
  json::append_canonical(read.canonical, (*document)->root());
  return read;
}

/// Faults of scalars that readers disagree on, each at its own place.
void check_scalars(const yaml::Node& node, Report& report) {
  if (node.is_scalar() && node.type() == yaml::Type::ambiguous) {
    report.fault(node.mark, fmt::format("{} is read differently by different readers: write it in quotes if it is text, else "
                                        "as `true`, `false`, `null` or a plain decimal number",
                                        yaml::ticked(node.text)));
  }
  for (const yaml::Node& item : node.items) check_scalars(item, report);
  for (const yaml::Member& member : node.members) check_scalars(member.value, report);
}

}  // namespace

std::optional<ArgumentSchema> read_argument_schema(const yaml::Member& member, Report& report) {
  if (!is_mapping(member.value, member.key, "write a JSON Schema, such as `{properties: {name: {type: string}}}`", report)) {
    return std::nullopt;
  }
  check_scalars(member.value, report);
  check_dialect(member.value, report);
  check_top_type(member.value, report);
  return compile(member, walk_schema(member.value, report), report);
}

}  // namespace callgate::policy
