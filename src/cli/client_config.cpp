#include "cli/client_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/json.hpp"
#include "config/address.hpp"
#include "config/load_server.hpp"

namespace callgate::cli {
namespace {

/// Comments become blanks, so that places in messages stay right.
std::string without_comments(std::string_view text) {
  std::string out(text);
  bool in_string = false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (in_string) {
      if (out[i] == '\\') ++i;
      else if (out[i] == '"') in_string = false;
      continue;
    }
    if (out[i] == '"') in_string = true;
    if (out[i] != '/' || i + 1 >= out.size()) continue;
    const bool line = out[i + 1] == '/';
    if (!line && out[i + 1] != '*') continue;
    const std::size_t end = line ? out.find('\n', i) : out.find("*/", i + 2);
    const std::size_t stop = end == std::string::npos ? out.size() : line ? end : end + 2;
    for (; i < stop; ++i) {
      if (out[i] != '\n') out[i] = ' ';
    }
    --i;
  }
  return out;
}

/// `${NAME}` means what `${env:NAME}` does; other forms ask the client for something.
Result<std::string> in_our_words(std::string_view text) {
  std::string out;
  while (true) {
    const std::size_t begin = text.find("${");
    out.append(text.substr(0, begin));
    if (begin == std::string_view::npos) return out;
    const std::size_t end = text.find('}', begin);
    if (end == std::string_view::npos) return out.append(text.substr(begin));
    std::string_view name = text.substr(begin + 2, end - begin - 2);
    if (name.starts_with("env:")) name.remove_prefix(4);
    const bool plain = !name.empty() && std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
    if (!plain) return fail(ErrorKind::unsupported, fmt::format("only the client can fill in `${{{}}}`", name));
    out.append("${env:").append(name).append("}");
    text.remove_prefix(end + 1);
  }
}

class ServerReader {
 public:
  ServerReader(std::string name, json::Value entry, const config::Environment& environment) : entry_(entry), environment_(environment) { server_.name = std::move(name); }

  Result<config::Server> read() {
    if (!config::is_server_name(server_.name)) server_.name = plain_name(server_.name);
    if (!entry_.is_object()) return fail(ErrorKind::invalid, "it is no object");
    if (is_off()) return fail(ErrorKind::unsupported, "it is turned off");
    server_.environment = config::ChildEnvironment::whole;
    const auto command = text("command");
    const auto url = text("url") ? text("url") : text("serverUrl");
    if (command.has_value() == url.has_value()) return fail(ErrorKind::invalid, "it has neither or both of `command` and `url`");
    if (const auto done = command ? read_command(*command) : read_url(*url); !done) return std::unexpected(done.error());
    return server_;
  }

 private:
  /// Names of clients may hold blanks; those of servers here may not.
  static std::string plain_name(std::string_view name) {
    std::string out;
    for (const char c : name.substr(0, 64)) {
      const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || (c == '.' && !out.empty());
      out += good ? c : '_';
    }
    return out.empty() ? "server" : out;
  }

  std::optional<std::string> text(std::string_view key) const {
    const auto value = entry_.find(key);
    return value && value->is_string() ? std::optional(value->string()) : std::nullopt;
  }

  bool is_off() const {
    const auto disabled = entry_.find("disabled");
    return disabled && disabled->is_boolean() && disabled->boolean();
  }

  Result<Secret> filled(std::string_view written) const {
    auto ours = in_our_words(written);
    if (!ours) return std::unexpected(ours.error());
    return config::expand(*ours, ".", environment_);
  }

  Result<void> read_command(const std::string& command) {
    auto program = filled(command);
    if (!program) return std::unexpected(program.error());
    server_.command.emplace_back(program->reveal());
    if (const auto arguments = entry_.find("args"); arguments && arguments->is_array()) {
      for (const json::Value each : arguments->elements()) {
        if (!each.is_string()) return fail(ErrorKind::invalid, "`args` holds something that is no text");
        auto argument = filled(each.string());
        if (!argument) return std::unexpected(argument.error());
        server_.command.emplace_back(argument->reveal());
      }
    }
    return read_pairs("env", server_.env, [](std::string_view) { return Result<void>{}; });
  }

  Result<void> read_url(const std::string& url) {
    auto where = filled(url);
    if (!where) return std::unexpected(where.error());
    server_.url = where->reveal();
    if (const auto good = config::check_url(server_.url); !good) return good;
    return read_pairs("headers", server_.headers, config::check_header_name);
  }

  Result<void> read_pairs(std::string_view key, std::vector<std::pair<std::string, Secret>>& out, Result<void> (*check)(std::string_view)) const {
    const auto pairs = entry_.find(key);
    if (!pairs || !pairs->is_object()) return {};
    for (const json::Member each : pairs->members()) {
      const std::string name = each.key.string();
      if (const auto good = check(name); !good) return good;
      auto value = filled(each.value.is_string() ? each.value.string() : std::string(each.value.text()));
      if (!value) return std::unexpected(value.error());
      out.emplace_back(name, std::move(*value));
    }
    return {};
  }

  config::Server server_;
  json::Value entry_;
  const config::Environment& environment_;
};

std::optional<json::Value> shelf(json::Value root) {
  for (const std::string_view key : {"mcpServers", "servers", "context_servers"}) {
    if (const auto found = root.find(key); found && found->is_object()) return found;
  }
  for (const std::string_view key : {"mcp", "amp.mcpServers"}) {
    if (const auto inner = root.find(key); inner && inner->is_object()) return shelf(*inner);
  }
  return std::nullopt;
}

}  // namespace

Result<ClientServers> read_client_config(std::string_view text, const config::Environment& environment) {
  const auto document = json::OwnedDocument::parse(without_comments(text));
  if (!document) return std::unexpected(document.error());
  const auto servers = shelf((*document)->root());
  if (!servers) return fail(ErrorKind::invalid, "it holds neither `mcpServers` nor `servers`");
  ClientServers found;
  for (const json::Member each : servers->members()) {
    auto server = ServerReader(each.key.string(), each.value, environment).read();
    if (server) {
      found.servers.push_back(std::move(*server));
    } else {
      found.left_out.push_back({server.error().kind, server.error().message, each.key.string()});
    }
  }
  return found;
}

}  // namespace callgate::cli
