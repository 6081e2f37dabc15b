#include "config/load_server.hpp"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <array>

#include "config/extension_methods.hpp"

namespace callgate::config {
namespace {

using std::chrono::milliseconds;

constexpr std::array<std::string_view, 18> server_keys{
    "command", "env",          "url",         "transport",     "ca_file",      "headers",     "policy",  "pins",          "new_tools",
    "shared",  "max_children", "start_ahead", "start_timeout", "call_timeout", "trust_hints", "classes", "probe_unknown", "extension_methods"};

/// One server's section while it is read.
struct ServerReader {
  const Section& section;
  const Surroundings& around;
  Server& server;

  void read_address(const Field& field);
  void read_command(const Field& field);
  void read_env(const Field& field);
  void read_headers(const Field& field);
  void read_path(std::string_view key, std::filesystem::path& path);
  void read_rules();
  void read_children();
  void read_times();
};

void ServerReader::read_address(const Field& field) {
  const auto command = section.take("command");
  const auto url = section.take("url");
  if (command) read_command(*command);
  if (url) {
    if (auto text = url->text()) {
      if (const auto good = check_url(*text); !good) url->fault(fmt::format("`{}`: {}", url->name, good.error().message));
      server.url = std::move(*text);
    }
  }
  if (command && url) url->fault(fmt::format("`{}` has both `command` and `url`; keep one", field.name));
  if (!command && !url && field.node.is_mapping()) {
    field.fault(fmt::format("`{}` needs `command` (a program on this machine) or `url`", field.name));
  }
  if (const auto env = section.take("env")) {
    if (!command) env->fault(fmt::format("`{}` goes with `command` only", env->name));
    read_env(*env);
  }
  if (const auto headers = section.take("headers")) {
    if (!url) headers->fault(fmt::format("`{}` goes with `url` only", headers->name));
    read_headers(*headers);
  }
  if (const auto transport = section.take("transport")) {
    static constexpr std::array<std::string_view, 3> words{"auto", "streamable_http", "sse"};
    if (!url) transport->fault(fmt::format("`{}` goes with `url` only", transport->name));
    if (const auto word = transport->word(words)) server.transport = static_cast<Transport>(*word);
  }
  if (const auto ca_file = section.take("ca_file"); ca_file && !url) {
    ca_file->fault(fmt::format("`{}` goes with `url` only", ca_file->name));
  }
  read_path("ca_file", server.ca_file);
}

void ServerReader::read_command(const Field& field) {
  field.texts(Field::Single::refused, [&](const Field& item, std::string argument) {
    if (argument.contains('\0')) item.fault(fmt::format("`{}` holds a NUL byte", item.name));
    server.command.push_back(std::move(argument));
  });
  if (field.node.is_sequence() && field.node.items.empty()) field.fault(fmt::format("`{}` is empty; name the program", field.name));
  if (!server.command.empty() && server.command.front().empty()) field.fault(fmt::format("`{}` begins with an empty name", field.name));
}

void ServerReader::read_env(const Field& field) {
  if (!field.node.is_mapping()) return field.wrong("a mapping of names to values");
  for (const yaml::Member& member : field.node.members) {
    const Field item{member.value, fmt::format("{}.{}", field.name, member.key), field.faults};
    if (member.key.empty() || member.key.contains('=') || member.key.contains('\0')) {
      field.faults.add(member.key_mark, fmt::format("{} is no name of a variable", yaml::ticked(member.key)));
      continue;
    }
    const auto text = item.text();
    if (!text) continue;
    auto value = expand(*text, around.folder, around.environment);
    if (!value) {
      item.fault(fmt::format("`{}`: {}", item.name, value.error().message));
      continue;
    }
    if (value->reveal().contains('\0')) item.fault(fmt::format("`{}` holds a NUL byte", item.name));
    server.env.emplace_back(member.key, std::move(*value));
  }
}

void ServerReader::read_headers(const Field& field) {
  if (!field.node.is_mapping()) return field.wrong("a mapping of names to values");
  for (const yaml::Member& member : field.node.members) {
    const Field item{member.value, fmt::format("{}.{}", field.name, member.key), field.faults};
    if (const auto good = check_header_name(member.key); !good) {
      field.faults.add(member.key_mark, good.error().message, good.error().kind);
      continue;
    }
    if (std::ranges::any_of(server.headers, [&](const auto& other) { return ::strcasecmp(other.first.c_str(), member.key.c_str()) == 0; })) {
      field.faults.add(member.key_mark, fmt::format("the header `{}` stands here twice; header names ignore case", member.key));
      continue;
    }
    const auto text = item.text();
    if (!text) continue;
    auto value = read_header_value(member.key, *text, around);
    if (!value) {
      item.fault(fmt::format("`{}`: {}", item.name, value.error().message));
      continue;
    }
    server.headers.emplace_back(member.key, std::move(*value));
  }
}

void ServerReader::read_path(std::string_view key, std::filesystem::path& path) {
  const auto field = section.take(key);
  if (!field) return;
  const auto text = field->text();
  if (!text) return;
  if (text->empty()) return field->fault(fmt::format("`{}` is empty; name a file, or remove the key", field->name));
  path = around.path(*text);
}

void ServerReader::read_rules() {
  read_path("policy", server.policy);
  read_path("pins", server.pins);
  if (const auto field = section.take("new_tools")) {
    static constexpr std::array<std::string_view, 2> words{"refuse", "follow_policy"};
    if (const auto word = field->word(words)) server.new_tools = static_cast<NewTools>(*word);
  }
  if (const auto field = section.take("extension_methods")) server.extension_methods = read_extension_methods(*field);
  if (const auto field = section.take("trust_hints")) server.trust_hints = field->boolean().value_or(false);
  if (const auto field = section.take("classes")) server.classes = read_classes(*field);
  if (const auto field = section.take("probe_unknown")) server.probe_unknown = field->boolean().value_or(true);
}

void ServerReader::read_children() {
  const auto of_programs_only = [this](const Field& field) {
    if (!section.has("command")) field.fault(fmt::format("`{}` goes with `command` only", field.name));
  };
  const auto read_flag = [&](std::string_view key, bool& into) {
    const auto field = section.take(key);
    into = field && field->boolean().value_or(false);
    if (into) of_programs_only(*field);
  };
  read_flag("shared", server.shared);
  read_flag("start_ahead", server.start_ahead);
  const auto field = section.take("max_children");
  if (!field) return;
  of_programs_only(*field);
  server.max_children = field->count(1, 10'000).value_or(server.max_children);
}

void ServerReader::read_times() {
  if (const auto field = section.take("start_timeout")) {
    server.start_timeout = field->duration(milliseconds(1)).value_or(server.start_timeout);
  }
  if (const auto field = section.take("call_timeout")) {
    server.call_timeout = field->duration(milliseconds(1)).value_or(server.call_timeout);
  }
}

}  // namespace

bool is_server_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name.front() != '.' && std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
         });
}

Server read_server(std::string name, const Field& field, const Surroundings& around) {
  Server server{.name = std::move(name)};
  const Section section(field, server_keys);
  ServerReader reader{section, around, server};
  reader.read_address(field);
  reader.read_rules();
  reader.read_children();
  reader.read_times();
  return server;
}

}  // namespace callgate::config
