#include "cel/value.hpp"

namespace callgate::cel {
namespace {

Kind kind_of(json::Kind kind) {
  switch (kind) {
    case json::Kind::null: return Kind::null;
    case json::Kind::boolean: return Kind::boolean;
    case json::Kind::number: return Kind::number;
    case json::Kind::string: return Kind::text;
    case json::Kind::array: return Kind::list;
    case json::Kind::object: return Kind::map;
  }
  return Kind::null;
}

}  // namespace

std::string_view called(Kind kind) {
  switch (kind) {
    case Kind::null: return "null";
    case Kind::boolean: return "true or false";
    case Kind::number: return "a number";
    case Kind::text: return "text";
    case Kind::list: return "a list";
    case Kind::map: return "an object";
    case Kind::fault: break;
  }
  return "nothing";
}

Value Value::constant(const Constant& constant) {
  Value value(constant.kind, Source::constant);
  if (constant.kind == Kind::boolean) return boolean(constant.truth);
  if (constant.kind == Kind::null) return {};
  value.constant_ = &constant;
  return value;
}

Value Value::document(json::Value json) {
  const Kind kind = kind_of(json.kind());
  if (kind == Kind::boolean) return boolean(json.boolean());
  if (kind == Kind::null) return {};
  Value value(kind, Source::document);
  value.json_ = json;
  return value;
}

}  // namespace callgate::cel
