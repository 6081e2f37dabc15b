#include "cli/client_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "config/address.hpp"
#include "config/load_server.hpp"

namespace callgate::cli {
namespace {

/// What people's files may hold beside JSON (comments, a comma before a closing
/// bracket, a byte order mark) becomes blanks, so that places in messages stay right.
class Blanked {
 public:
  explicit Blanked(std::string_view text) : out_(text) {
    if (text.starts_with("\xEF\xBB\xBF")) out_.replace(0, 3, "   ");
  }

  std::string text() && {
    for (std::size_t i = 0; i < out_.size();) {
      if (out_[i] == '"') {
        i = behind_string(i);
        comma_.reset();
        last_ = '"';
      } else if (const std::size_t end = behind_comment(i); end > i) {
        for (; i < end; ++i) blank(i);
      } else {
        take(i++);
      }
    }
    return std::move(out_);
  }

 private:
  void blank(std::size_t i) {
    if (out_[i] != '\n') out_[i] = ' ';
  }

  std::size_t behind_string(std::size_t i) const {
    for (++i; i < out_.size() && out_[i] != '"'; ++i) {
      if (out_[i] == '\\') ++i;
    }
    return std::min(i + 1, out_.size());
  }

  /// `i` itself where no comment begins there.
  std::size_t behind_comment(std::size_t i) const {
    if (out_.compare(i, 2, "//") == 0) return std::min(out_.find('\n', i), out_.size());
    if (out_.compare(i, 2, "/*") != 0) return i;
    const std::size_t end = out_.find("*/", i + 2);
    return end == std::string::npos ? out_.size() : end + 2;
  }

  void take(std::size_t i) {
    const char c = out_[i];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') return;
    if ((c == '}' || c == ']') && comma_) blank(*comma_);
    const bool behind_value = last_ != '\0' && last_ != ',' && last_ != '{' && last_ != '[' && last_ != ':';
    comma_ = c == ',' && behind_value ? std::optional(i) : std::nullopt;
    last_ = c;
  }

  std::string out_;
  std::optional<std::size_t> comma_;  ///< of a comma behind a value, with nothing behind it yet
  char last_ = '\0';                  ///< the last character that means something
};

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
    server_.environment = config::ChildEnvironment::whole;
    // Zed wrote the command as an object of its own.
    if (const auto inner = entry_.find("command"); inner && inner->is_object()) {
      command_ = *inner;
      program_key_ = "path";
    }
    const auto command = text(command_, program_key_);
    const auto url = text(entry_, "url") ? text(entry_, "url") : text(entry_, "serverUrl");
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

  static std::optional<std::string> text(json::Value object, std::string_view key) {
    const auto value = object.find(key);
    return value && value->is_string() ? std::optional(value->string()) : std::nullopt;
  }

  /// Nothing where it is not there, or null.
  static std::optional<json::Value> given(json::Value object, std::string_view key) {
    const auto value = object.find(key);
    return value && !value->is_null() ? value : std::nullopt;
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
    if (const auto arguments = given(command_, "args")) {
      if (!arguments->is_array()) return fail(ErrorKind::invalid, "`args` is no list of texts");
      for (const json::Value each : arguments->elements()) {
        if (!each.is_string()) return fail(ErrorKind::invalid, "`args` holds something that is no text");
        auto argument = filled(each.string());
        if (!argument) return std::unexpected(argument.error());
        server_.command.emplace_back(argument->reveal());
      }
    }
    return read_pairs(command_, "env", server_.env, [](std::string_view) { return Result<void>{}; });
  }

  Result<void> read_url(const std::string& url) {
    auto where = filled(url);
    if (!where) return std::unexpected(where.error());
    server_.url = where->reveal();
    if (const auto good = config::check_url(server_.url); !good) return good;
    return read_pairs(entry_, "headers", server_.headers, config::check_header_name);
  }

  Result<void> read_pairs(json::Value object, std::string_view key, std::vector<std::pair<std::string, Secret>>& out, Result<void> (*check)(std::string_view)) const {
    const auto pairs = given(object, key);
    if (!pairs) return {};
    const auto unfit = [&] { return fail(ErrorKind::invalid, fmt::format("`{}` is no object of names and texts", key)); };
    if (!pairs->is_object()) return unfit();
    for (const json::Member each : pairs->members()) {
      const std::string name = each.key.string();
      if (const auto good = check(name); !good) return good;
      if (each.value.is_object() || each.value.is_array()) return unfit();
      auto value = filled(each.value.is_string() ? each.value.string() : std::string(each.value.text()));
      if (!value) return std::unexpected(value.error());
      out.emplace_back(name, std::move(*value));
    }
    return {};
  }

  config::Server server_;
  json::Value entry_;
  json::Value command_ = entry_;             ///< the object that holds the program, its arguments and variables
  std::string_view program_key_ = "command";
  const config::Environment& environment_;
};

/// Where servers stand in a client's file: each is an object of them.
class Shelves {
 public:
  explicit Shelves(json::Value root) { read(root, ""); }

  std::vector<json::Value> found;
  std::vector<Error> unfit;  ///< known keys that hold something else; nobody can tell which servers stand there

 private:
  void read(json::Value object, const std::string& above) {
    for (const std::string_view key : {"mcpServers", "servers", "context_servers", "amp.mcpServers"}) {
      if (const auto shelf = member(object, key, above, "it is no object of servers")) found.push_back(*shelf);
    }
    if (const auto inner = member(object, "mcp", above, "it is no object")) read(*inner, above + "mcp.");
    const auto projects = member(object, "projects", above, "it is no object");
    if (!projects) return;
    for (const json::Member each : projects->members()) {
      const std::string name = each.key.string();
      if (const auto project = checked(each.value, above + "projects." + name, "it is no object")) read(*project, above + "projects." + name + ".");
    }
  }

  std::optional<json::Value> member(json::Value object, std::string_view key, const std::string& above, std::string_view otherwise) {
    const auto value = object.find(key);
    return value ? checked(*value, above + std::string(key), otherwise) : std::nullopt;
  }

  /// Null is what clients write where nothing stands.
  std::optional<json::Value> checked(json::Value value, std::string where, std::string_view otherwise) {
    if (value.is_object()) return value;
    if (!value.is_null()) unfit.push_back({ErrorKind::invalid, std::string(otherwise), std::move(where)});
    return std::nullopt;
  }
};

bool is_off(json::Value entry) {
  const auto says = [entry](std::string_view key, bool what) {
    const auto value = entry.find(key);
    return value && value->is_boolean() && value->boolean() == what;
  };
  return entry.is_object() && (says("disabled", true) || says("enabled", false));
}

/// Whether two entries start or reach the same server in the same way.
bool is_same(const config::Server& one, const config::Server& other) {
  const auto equal = [](const auto& a, const auto& b) { return a.reveal() == b.reveal(); };
  const auto pairs = [&](const auto& a, const auto& b) { return a.first == b.first && equal(a.second, b.second); };
  return one.url == other.url && one.command == other.command && std::ranges::equal(one.env, other.env, pairs) && std::ranges::equal(one.headers, other.headers, pairs);
}

/// Adds a server under a name that no other has.
void add_renamed(std::vector<config::Server>& servers, config::Server server) {
  const std::string name = server.name;
  for (int number = 2;; ++number) {
    const auto other = std::ranges::find(servers, server.name, &config::Server::name);
    if (other == servers.end()) break;
    if (is_same(*other, server)) return;
    const std::string ending = fmt::format("-{}", number);
    server.name = name.substr(0, 64 - ending.size()) + ending;
  }
  servers.push_back(std::move(server));
}

}  // namespace

Result<ClientServers> read_client_config(std::string_view text, const config::Environment& environment) {
  const auto document = json::OwnedDocument::parse(Blanked(text).text());
  if (!document) return std::unexpected(document.error());
  Shelves shelves((*document)->root());
  if (shelves.found.empty() && shelves.unfit.empty()) return fail(ErrorKind::invalid, "it holds neither `mcpServers` nor `servers`");
  ClientServers found;
  found.left_out = std::move(shelves.unfit);
  for (const json::Value shelf : shelves.found) {
    for (const json::Member each : shelf.members()) {
      if (is_off(each.value)) {
        found.off.push_back(each.key.string());
      } else if (auto server = ServerReader(each.key.string(), each.value, environment).read()) {
        add_renamed(found.servers, std::move(*server));
      } else {
        found.left_out.push_back({server.error().kind, server.error().message, each.key.string()});
      }
    }
  }
  return found;
}

}  // namespace callgate::cli
