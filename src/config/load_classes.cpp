#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/load_server.hpp"
#include "config/text_file.hpp"

/// The key `classes` of a server.
namespace callgate::config {
namespace {

constexpr std::array<std::string_view, 5> category_words{"Read", "Write", "Execute", "Destructive", "Financial"};
constexpr std::array<std::string_view, 4> risk_words{"Low", "Medium", "High", "Critical"};
constexpr std::array<std::string_view, 4> keys{"category", "risk", "reason", "definition"};

constexpr std::string_view digest_mark = "sha256:";

bool is_tool_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  });
}

bool is_fingerprint(std::string_view text) {
  if (!text.starts_with(digest_mark) || text.size() != digest_mark.size() + 64) return false;
  return std::ranges::all_of(text.substr(digest_mark.size()), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

void read_class(const Field& field, ClassOverride& out) {
  const Section section(field, keys);
  if (!field.node.is_mapping()) return;
  if (const auto category = section.take("category")) {
    if (const auto word = category->word(category_words)) out.category = category_words[*word];
  }
  if (const auto risk = section.take("risk")) {
    if (const auto word = risk->word(risk_words)) out.risk = risk_words[*word];
  }
  if (!section.has("category") && !section.has("risk")) field.fault(fmt::format("`{}` says neither `category` nor `risk`; give one, or remove it", field.name));
  const auto reason = section.take("reason");
  if (const auto text = reason ? reason->text() : std::nullopt) out.reason = *text;
  if (out.reason.find_first_not_of(" \t\r\n") == std::string::npos && (!reason || reason->node.is_scalar()))
    field.fault(fmt::format("`{}` has no `reason`; say in a sentence why, for whoever reads it later", field.name));
  const auto definition = section.take("definition");
  if (!definition) return field.fault(fmt::format("`{}` has no `definition`; it holds for one definition of the tool: copy its fingerprint from `callgate server tools NAME`", field.name));
  const auto text = definition->text();
  if (text && !is_fingerprint(*text)) {
    definition->fault(fmt::format("`{}` must be a whole fingerprint, `sha256:` and 64 digits; copy it from `callgate server tools NAME`", definition->name));
  }
  out.definition = text.value_or("");
}

}  // namespace

std::vector<ClassOverride> read_classes(const Field& field) {
  std::vector<ClassOverride> classes;
  if (!field.node.is_mapping()) {
    field.wrong("a mapping of tools to what is said of them");
    return classes;
  }
  for (const yaml::Member& member : field.node.members) {
    if (!is_tool_name(member.key)) {
      field.faults.add(member.key_mark, fmt::format("{} is no name of a tool; patterns do not stand here, since each entry holds for one definition", yaml::ticked(member.key)));
      continue;
    }
    ClassOverride& each = classes.emplace_back();
    each.tool = member.key;
    read_class({member.value, fmt::format("{}.{}", field.name, member.key), field.faults}, each);
  }
  return classes;
}

Result<std::vector<ClassOverride>> read_classes_file(const std::filesystem::path& file) {
  static constexpr std::array<std::string_view, 1> known{"classes"};
  const auto text = read_text(file, Writers::owner_only);
  if (!text) return std::unexpected(text.error());
  Faults faults(file.string());
  yaml::Parsed parsed = yaml::parse(*text, faults.file());
  faults.add_all(std::move(parsed.faults));
  std::vector<ClassOverride> classes;
  if (parsed.root) {
    const Field root{*parsed.root, "", faults};
    const Section section(root, known);
    const auto said = section.take("classes");
    if (said) classes = read_classes(*said);
    else if (root.node.is_mapping()) root.fault("there is no `classes` in it");
  }
  const std::vector<Error> all = std::move(faults).in_order();
  if (all.empty()) return classes;
  std::string lines;
  for (const Error& each : all) lines += fmt::format("{}{}{}{}", lines.empty() ? "" : "\n", each.where, each.where.empty() ? "" : ": ", each.message);
  return fail(ErrorKind::invalid, std::move(lines));
}

}  // namespace callgate::config
