#include "config/fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/suggest.hpp"
#include "config/units.hpp"

namespace callgate::config {

void Faults::add(yaml::Mark mark, std::string message, ErrorKind kind) {
  placed_.emplace(std::pair(mark.line, mark.column), Error{kind, std::move(message), yaml::where(file_, mark)});
}

void Faults::add_all(std::vector<Error> faults) {
  first_.insert(first_.end(), std::make_move_iterator(faults.begin()), std::make_move_iterator(faults.end()));
}

std::vector<Error> Faults::in_order() && {
  for (auto& [place, error] : placed_) first_.push_back(std::move(error));
  return std::move(first_);
}

void Field::wrong(std::string_view what) const {
  if (name.empty()) return fault(fmt::format("the file must be {}, not {}", what, yaml::describe(node)));
  fault(fmt::format("`{}` must be {}, not {}", name, what, yaml::describe(node)));
}

std::optional<std::string> Field::text() const {
  if (node.is_null()) {
    fault(fmt::format("`{}` has no value; write one, or remove the key", name));
    return std::nullopt;
  }
  if (!node.is_scalar()) {
    wrong("a text");
    return std::nullopt;
  }
  if (node.type() == yaml::Type::ambiguous || node.type() == yaml::Type::null) {
    fault(fmt::format("{} is read differently by different programs; put it in quotes", yaml::ticked(node.text)));
    return std::nullopt;
  }
  return node.text;
}

std::optional<bool> Field::boolean() const {
  if (node.is_scalar() && node.type() == yaml::Type::boolean) return node.text == "true";
  wrong("`true` or `false`");
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> Field::duration(std::chrono::milliseconds least) const {
  const auto written = text();
  if (!written) return std::nullopt;
  const auto value = parse_duration(*written);
  if (!value) {
    fault(fmt::format("`{}`: {}", name, value.error().message));
    return std::nullopt;
  }
  if (*value < least) {
    fault(fmt::format("`{}` must be at least {}ms", name, least.count()));
    return std::nullopt;
  }
  return *value;
}

std::optional<std::size_t> Field::size(std::size_t least, std::size_t most) const {
  const auto written = text();
  if (!written) return std::nullopt;
  const auto value = parse_size(*written);
  if (!value) {
    fault(fmt::format("`{}`: {}", name, value.error().message));
    return std::nullopt;
  }
  if (*value < least || *value > most) {
    fault(fmt::format("`{}` must be from {} to {} bytes", name, least, most));
    return std::nullopt;
  }
  return *value;
}

std::optional<std::size_t> Field::count(std::size_t least, std::size_t most) const {
  std::size_t value = 0;
  const char* end = node.text.data() + node.text.size();
  const bool whole = node.is_scalar() && node.type() == yaml::Type::number &&
                     std::from_chars(node.text.data(), end, value) == std::from_chars_result{end, std::errc{}};
  if (!whole || value < least || value > most) {
    wrong(fmt::format("a whole number from {} to {}", least, most));
    return std::nullopt;
  }
  return value;
}

std::optional<std::size_t> Field::word(std::span<const std::string_view> words) const {
  std::string choices;
  for (const std::string_view each : words) choices += fmt::format("{}`{}`", choices.empty() ? "" : " or ", each);
  if (!node.is_scalar()) {
    wrong(choices);
    return std::nullopt;
  }
  const auto found = std::ranges::find(words, node.text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  fault(fmt::format("`{}` must be {}, not {}{}", name, choices, yaml::ticked(node.text), did_you_mean(node.text, words)));
  return std::nullopt;
}

void Field::texts(Single single, const std::function<void(const Field&, std::string)>& each) const {
  if (!node.is_sequence() && !node.is_mapping() && (node.is_null() || single == Single::allowed)) {
    if (auto value = text()) each(*this, std::move(*value));
    return;
  }
  if (!node.is_sequence()) return wrong("a list");
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const Field item{node.items[i], fmt::format("{}[{}]", name, i), faults};
    if (auto value = item.text()) each(item, std::move(*value));
  }
}

Section::Section(const Field& field, std::span<const std::string_view> known)
    : node_(field.node), prefix_(field.name.empty() ? "" : field.name + "."), faults_(field.faults) {
  if (!node_.is_mapping()) {
    field.wrong("a mapping of keys to values");
    return;
  }
  const std::string place = field.name.empty() ? "at the top of the file" : fmt::format("in `{}`", field.name);
  for (const yaml::Member& member : node_.members) {
    if (std::ranges::find(known, member.key) != known.end()) continue;
    std::string remedy = did_you_mean(member.key, known);
    if (remedy.empty()) remedy = fmt::format("; {} there may be `{}`", place, fmt::join(known, "`, `"));
    faults_.add(member.key_mark, fmt::format("unknown key {}{}", yaml::ticked(prefix_ + member.key), remedy));
  }
}

std::optional<Field> Section::take(std::string_view key) const {
  const yaml::Member* member = node_.find(key);
  if (member == nullptr) return std::nullopt;
  return Field{member->value, prefix_ + std::string(key), faults_};
}

std::optional<yaml::Mark> Section::key_mark(std::string_view key) const {
  const yaml::Member* member = node_.find(key);
  if (member == nullptr) return std::nullopt;
  return member->key_mark;
}

void Section::not_yet(std::string_view key) const {
  if (const auto mark = key_mark(key)) not_yet(*mark, prefix_ + std::string(key));
}

void Section::not_yet(yaml::Mark mark, std::string_view what) const {
  faults_.add(mark, fmt::format("`{}` is not supported yet by this version; remove it", what), ErrorKind::unsupported);
}

}  // namespace callgate::config
