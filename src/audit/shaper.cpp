#include "audit/shaper.hpp"

#include <algorithm>

#include "base/json_pointer.hpp"

namespace callgate::audit {
namespace {

using Name = ShapePlan::Name;

constexpr std::size_t most_plans = 4096;
constexpr std::size_t most_names = 512;    ///< of one object
constexpr std::size_t longest_name = 128;  ///< bytes
constexpr unsigned most_steps = 10'000;    ///< of one definition
constexpr std::string_view whole_key = R"("":)";
constexpr std::size_t around_entry = longest_shape + 4;  ///< comma, quotes and words of an entry

void append_pointer(std::string& out, std::string_view name) {
  out += '/';
  json::append_token(out, name);
}

/// Follows a JSON Pointer within a document; nothing where it leads nowhere.
std::optional<json::Value> at_pointer(json::Value root, std::string_view pointer) {
  std::optional<json::Value> value = root;
  while (value && !pointer.empty()) {
    pointer.remove_prefix(1);  // the slash
    const std::string_view token = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(token.size());
    if (token.find('~') != std::string_view::npos) return std::nullopt;
    value = value->find(token);
  }
  return value;
}

/// Reads the names of one definition.
class Reading {
 public:
  explicit Reading(json::Value root) : root_(root) {}

  void names_of(json::Value schema, std::string_view above, unsigned depth, std::vector<Name>& names) {
    if (!schema.is_object() || depth > 8 || ++steps_ > most_steps) return;
    if (const auto properties = schema.find("properties"); properties && properties->is_object()) {
      for (const json::Member member : properties->members()) {
        if (++steps_ > most_steps) return;
        take(member.key.string(), member.value, above, names);
      }
    }
    each_alternative(schema, [&](json::Value other) { names_of(other, above, depth + 1, names); });
  }

 private:
  void take(const std::string& text, json::Value schema, std::string_view above, std::vector<Name>& names) {
    if (text.empty() || text.size() > longest_name) return;
    auto name = std::ranges::find(names, text, &Name::text);
    if (name == names.end()) {
      if (names.size() == most_names) return;
      std::string pointer(above);
      append_pointer(pointer, text);
      names.push_back({.text = text, .key = json::quoted(pointer) + ":", .keeps = SecretNames::built_in().of(text)});
      name = names.end() - 1;
    }
    name->closed = name->closed || is_closed(schema, 0);
    if (!above.empty() || name->keeps == KeptBack::all) return;
    std::string pointer;
    append_pointer(pointer, text);
    std::vector<Name> inside = std::move(name->inside);
    names_of(schema, pointer, 0, inside);
    name->inside = std::move(inside);
  }

  bool is_closed(json::Value schema, unsigned depth) {
    if (!schema.is_object()) return false;
    if (depth > 8 || ++steps_ > most_steps) return true;  // nobody looked: its type alone is told
    if (schema.find("enum") || schema.find("const")) return true;
    bool closed = false;
    each_alternative(schema, [&](json::Value other) { closed = closed || is_closed(other, depth + 1); });
    return closed;
  }

  template <class Take>
  void each_alternative(json::Value schema, Take take) const {
    if (const auto reference = schema.find("$ref"); reference && reference->is_string()) {
      const std::string target = reference->string();
      const bool local = target == "#" || target.starts_with("#/");
      const auto other = local ? at_pointer(root_, std::string_view(target).substr(1)) : std::nullopt;
      if (other) take(*other);
    }
    for (const std::string_view keyword : {"anyOf", "oneOf", "allOf"}) {
      const auto list = schema.find(keyword);
      if (!list || !list->is_array()) continue;
      for (const json::Value each : list->elements()) {
        if (steps_ > most_steps) return;
        take(each);
      }
    }
  }

  json::Value root_;
  unsigned steps_ = 0;
};

void sort(std::vector<Name>& names) {
  std::ranges::sort(names, {}, &Name::text);
  for (Name& name : names) sort(name.inside);
}

bool keeps_back(const Name& name, json::Value value) {
  return name.closed || name.keeps == KeptBack::all || (name.keeps == KeptBack::text && !value.is_number());
}

}  // namespace

ShapePlan::ShapePlan(json::Value input_schema) {
  Reading(input_schema).names_of(input_schema, "", 0, names_);
  sort(names_);
}

const ShapePlan::Name* ShapePlan::find(const std::vector<Name>& names, std::string_view text) {
  const auto found = std::ranges::lower_bound(names, text, {}, [](const Name& each) { return std::string_view(each.text); });
  return found != names.end() && found->text == text ? &*found : nullptr;
}

const ShapePlan& Shaper::plan_of(std::string_view fingerprint, std::string_view definition) {
  if (const auto found = plans_.find(fingerprint); found != plans_.end()) return found->second;
  if (plans_.size() == most_plans) plans_.clear();
  json::Document document;
  ShapePlan plan;
  // As lists are read: what the server wrote need not be a request.
  if (json::parse(definition, {.max_depth = 512, .check_number_range = false}, document)) {
    if (const auto schema = document.root().find("inputSchema")) plan = ShapePlan(*schema);
  }
  return plans_.emplace(fingerprint, std::move(plan)).first->second;
}

bool Shaper::has_room(std::string_view key, std::size_t reserved) const {
  // Besides the entry: its comma and quotes, and the one that says that some are missing.
  return entries_ + 1 < max_entries && out_.size() + key.size() + around_entry + reserved + whole_key.size() + around_entry <= max_bytes;
}

void Shaper::put(std::string_view key, const Shape& shape) {
  if (out_.size() > 1) out_ += ',';
  out_ += key;
  out_ += '"';
  append_words(out_, shape);
  out_ += '"';
}

/// `reserved` bytes are for entries that still have to follow.
bool Shaper::add(const Name& name, json::Value value, std::size_t reserved) {
  if (!has_room(name.key, reserved)) return false;
  ++entries_;
  const bool back = keeps_back(name, value);
  if (!value.is_object() || back) {
    put(name.key, back ? type_of(value) : shape_of(value));
    return true;
  }
  // What it holds comes first: then it is known whether all of that found room.
  const bool all = add_all(value, name.inside, reserved + name.key.size() + around_entry);
  put(name.key, {.kind = Shape::Kind::object, .more = !all});
  return true;
}

/// False where some member got no shape.
bool Shaper::add_all(json::Value object, const std::vector<Name>& names, std::size_t reserved) {
  bool all = true;
  for (const json::Member member : object.members()) {
    const Name* name = ShapePlan::find(names, member.key.string(scratch_));
    all = (name != nullptr && add(*name, member.value, reserved)) && all;
  }
  return all;
}

std::string_view Shaper::shapes_of(std::string_view fingerprint, std::string_view definition, const std::optional<json::Value>& arguments) {
  out_.assign(1, '{');
  entries_ = 0;
  if (arguments && arguments->is_object() && arguments->size() > 0) {
    static const std::vector<Name> none;
    const std::vector<Name>& names = definition.empty() ? none : plan_of(fingerprint, definition).names();
    if (!add_all(*arguments, names, 0)) put(whole_key, {.kind = Shape::Kind::object, .more = true});
  }
  out_ += '}';
  return out_;
}

}  // namespace callgate::audit
