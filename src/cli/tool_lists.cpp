#include "cli/tool_lists.hpp"

#include <unistd.h>

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "cli/client_config.hpp"
#include "cli/kept_list.hpp"
#include "cli/live_lists.hpp"
#include "cli/starting_policy.hpp"
#include "config/text_file.hpp"
#include "registry/difference.hpp"
#include "registry/fingerprint.hpp"
#include "registry/names.hpp"

namespace callgate::cli {
namespace {

using registry::visible;

std::string text_of(json::Value object, std::string_view key) {
  const auto value = object.find(key);
  return value && value->is_string() ? value->string() : std::string();
}

catalogue::OwnWord own_word(json::Value server_info) { return {.name = text_of(server_info, "name"), .title = text_of(server_info, "title"), .version = text_of(server_info, "version")}; }

/// What a saved list says of where it is from.
catalogue::ServerFacts saved_facts(json::Value root) {
  catalogue::ServerFacts facts{.package = text_of(root, "package"), .version = text_of(root, "version"), .transport = text_of(root, "transport"),
                               .protocol = text_of(root, "protocolVersion"), .listed_at = text_of(root, "listed_at")};
  if (const auto info = root.find("serverInfo"); info && info->is_object()) facts.says = own_word(*info);
  if (const std::string registry = text_of(root, "registry"); !registry.empty() && !facts.package.empty()) facts.package += " (" + registry + ")";
  return facts;
}

/// The host of a URL; empty where it is none.
std::string host_of(const std::string& url) {
  const std::size_t host = url.find("://");
  if (host == std::string::npos) return {};
  std::string address = url.substr(host + 3, url.find_first_of("/?#", host + 3) - host - 3);
  address.erase(0, address.find('@') + 1);
  return address;
}

/// Of a live server: how it is reached, and the host of its address. Commands may hold secrets and are left out.
catalogue::ServerFacts facts_of(const config::Config& config, std::string_view name) {
  catalogue::ServerFacts facts;
  for (const config::Server& server : config.servers) {
    if (server.name != name) continue;
    facts.transport = server.url.empty() ? "stdio" : "Streamable HTTP";
    facts.address = host_of(server.url);
  }
  return facts;
}

/// Of a server that was listed before.
catalogue::ServerFacts facts_of(const ServerList& kept) {
  // A command line is no URL, though one may stand in it.
  const bool url = kept.key.address.starts_with("http://") || kept.key.address.starts_with("https://");
  return {.address = url ? host_of(kept.key.address) : "", .transport = url ? "Streamable HTTP" : "stdio"};
}

/// Reads the lists of one command line.
class Lists {
 public:
  using Take = std::function<void(const ToolSourceList&)>;
  Lists(const SourceFlags& flags, ShowProgress progress, std::ostream& err, const Take& take) : flags_(flags), progress_(progress), err_(err), take_(take) {}

  bool run(const config::Environment& environment) {
    if (flags_.config) {
      auto read = read_config_file(*flags_.config, environment);
      if (!read) {
        fault(*flags_.config, read.error());
        return false;
      }
      config_ = std::move(*read);
      place_starting_policies(*config_);
    }
    if (flags_.kept) {
      take_kept(*flags_.kept);
    } else if (!flags_.files.empty()) {
      for (const std::string& file : flags_.files) take_file(file);
    } else {
      config::Config config{.data = flags_.data, .servers = servers(environment)};
      if (!config.servers.empty()) take_live(config);
    }
    return !unavailable_;
  }

 private:
  void fault(const std::string& what, const Error& error) {
    err_ << "callgate: " << what << ": " << error.message << (error.where.empty() ? "" : " (" + error.where + ")") << '\n';
    unavailable_ = true;
  }

  /// How a server's tools are judged; of a client's servers not all need stand in the file.
  std::optional<ClassRules> rules_for(const std::string& server) {
    ClassRules rules;
    if (config_ && (!flags_.client_config || config_->find_server(server) != nullptr)) {
      auto found = class_rules_in(*config_, *flags_.config, server);
      if (!found) {
        fault("server `" + visible(server) + "`", found.error());
        return std::nullopt;
      }
      rules = std::move(*found);
    }
    if (flags_.hinting == classify::Hinting::trusted) rules.hinting = flags_.hinting;
    return rules;
  }

  std::optional<ClassRules> rules_in_store(const std::filesystem::path& data, const std::string& server) {
    auto rules = registered_rules(data, server);
    if (!rules) {
      fault("server `" + visible(server) + "`", rules.error());
      return std::nullopt;
    }
    if (flags_.hinting == classify::Hinting::trusted) rules->hinting = flags_.hinting;
    return std::move(*rules);
  }

  void take_kept(const std::string& server) {
    const std::filesystem::path& data = config_ && !flags_.names_data ? config_->data : flags_.data;
    const auto list = kept_list(data, server);
    if (!list) return fault("server `" + visible(server) + "`", list.error());
    const auto rules = config_ ? rules_for(server) : rules_in_store(data, server);
    if (!rules) return;
    auto policy = config_ ? Result<std::filesystem::path>(policy_in_config(server)) : registered_policy(data, server);
    if (!policy) return fault("server `" + visible(server) + "`", policy.error());
    const std::string tools = pinned_array(*list);
    take_({.server = server, .address = {}, .facts = facts_of(*list), .rules = *rules, .policy = std::move(*policy), .kept = &*list, .tools = tools});
  }

  std::filesystem::path policy_in_config(const std::string& server) const {
    const config::Server* found = config_ ? config_->find_server(server) : nullptr;
    return found == nullptr ? std::filesystem::path() : found->policy;
  }

  /// Nothing is known of a server that was not looked at, so it is not taken for one that is fine.
  void tell_left_out(const ClientServers& read) {
    for (const std::string& off : read.off) err_ << "callgate: `" << visible(off) << "` is left out: it is turned off\n";
    for (const Error& left_out : read.left_out) {
      err_ << "callgate: `" << visible(left_out.where) << "` is left out: " << visible(left_out.message) << '\n';
      unavailable_ = true;
    }
    if (!read.servers.empty() || !read.left_out.empty()) return;
    const std::string_view why = read.off.empty() ? "no server stands in it" : "all of its servers are turned off";
    fault(*flags_.client_config, {ErrorKind::invalid, fmt::format("{}, so nothing was looked at", why), {}});
  }

  std::vector<config::Server> servers(const config::Environment& environment) {
    std::vector<config::Server> all;
    if (!flags_.client_config) {
      all.push_back(*flags_.server);
    } else if (const auto text = config::read_text(*flags_.client_config); !text) {
      fault(*flags_.client_config, text.error());
    } else if (auto read = read_client_config(*text, environment); !read) {
      fault(*flags_.client_config, read.error());
    } else {
      tell_left_out(*read);
      all = std::move(read->servers);
    }
    for (config::Server& server : all) server.start_timeout = flags_.timeout;
    return all;
  }

  void take_live(const config::Config& config) {
    const bool live = progress_ == ShowProgress::yes && ::isatty(STDERR_FILENO) != 0;
    const Progress progress = [&](std::size_t done, std::size_t all, const LiveList& last) {
      if (live) err_ << "\r\x1b[K" << done << " of " << all << " servers answered; last: " << visible(last.server) << std::flush;
    };
    if (live) err_ << "asking " << config.servers.size() << (config.servers.size() == 1 ? " server" : " servers") << " for tools …" << std::flush;
    const auto lists = read_live_lists(config, progress);
    if (live) err_ << "\r\x1b[K" << std::flush;
    if (!lists) return fault(config.data.string(), lists.error());
    for (const LiveList& list : *lists) {
      for (const std::string& each : list.left_out) err_ << "callgate: server `" << visible(list.server) << "`: " << each << '\n';
      if (!list.tools) {
        fault("server `" + visible(list.server) + "`", list.tools.error());
      } else if (const auto rules = rules_for(list.server)) {
        catalogue::ServerFacts facts = facts_of(config, list.server);
        facts.protocol = list.protocol;
        if (!flags_.named && !flags_.client_config) facts.named = catalogue::Named::by_nobody;
        if (const auto info = json::OwnedDocument::parse(list.server_info, registry::definition_limits); info && (*info)->root().is_object()) facts.says = own_word((*info)->root());
        take_({.server = list.server, .address = list.address, .facts = std::move(facts), .rules = *rules, .policy = policy_in_config(list.server), .tools = *list.tools});
      }
    }
  }

  void take_file(const std::string& file) {
    auto text = config::read_text(file, config::Writers::anybody, std::size_t{64} << 20U);
    if (!text) {
      err_ << "callgate: " << text.error().message << '\n';
      unavailable_ = true;
      return;
    }
    const auto document = json::OwnedDocument::parse(std::move(*text), registry::definition_limits);
    if (!document) {
      Error error = document.error();
      error.message = "it is no list of tools, which is `{\"tools\": [...]}`: " + error.message;
      return fault(file, error);
    }
    json::Value root = (*document)->root();
    if (const auto result = root.find("result")) root = *result;
    const auto tools = root.is_array() ? std::optional(root) : root.find("tools");
    if (!tools || !tools->is_array()) return fault(file, {ErrorKind::invalid, "it is no list of tools, which is `{\"tools\": [...]}`: there is no array `tools`", {}});
    const auto name = root.find("server");
    const std::string server = flags_.server ? flags_.server->name : name && name->is_string() ? name->string() : "default";
    catalogue::ServerFacts facts = saved_facts(root);
    if (!flags_.server && !(name && name->is_string())) facts.named = catalogue::Named::by_nobody;
    if (const auto rules = rules_for(server)) take_({.server = server, .address = {}, .facts = std::move(facts), .rules = *rules, .policy = policy_in_config(server), .tools = tools->text()});
  }

  const SourceFlags& flags_;
  ShowProgress progress_;
  std::ostream& err_;
  const Take& take_;
  std::optional<config::Config> config_;  ///< of `--config`
  bool unavailable_ = false;
};

}  // namespace

namespace {

/// Says of what a list holds and nobody can call why that is.
void tell_uncallable(const std::vector<classify::Classification>& tools, const std::string& server, std::ostream& err) {
  std::map<std::string_view, std::size_t> count;
  for (const classify::Classification& tool : tools) ++count[tool.tool];
  for (std::size_t i = 0; i < tools.size(); ++i) {
    if (tools[i].tool.empty()) err << fmt::format("callgate: server `{}`: entry {} of the list has no name, so it is no tool that can be called\n", visible(server), i + 1);
  }
  for (const auto& [name, times] : count) {
    if (name.empty()) continue;
    if (!registry::is_tool_name(name)) {
      err << fmt::format("callgate: server `{}`: `{}` is no name of a tool (up to 128 of A-Z a-z 0-9 _ . -), so it is refused and gets no rule\n", visible(server), visible(name.substr(0, 128)));
    } else if (times > 1) {
      err << fmt::format("callgate: server `{}`: `{}` stands in the list {} times: which is meant cannot be told, so it is refused and gets no rule\n", visible(server), visible(name), times);
    }
  }
}

}  // namespace

std::vector<classify::Classification> judge_list(const classify::Classifier& classifier, std::span<const json::Value> definitions, const ToolSourceList& list, std::ostream& err) {
  ServerClasses judged = judge_tools(classifier, definitions, list.rules);
  tell_uncallable(judged.tools, list.server, err);
  for (const std::string& lapsed : judged.lapsed) err << "callgate: server `" << visible(list.server) << "`: " << lapsed << '\n';
  return std::move(judged.tools);
}

Result<Definitions> read_definitions(std::string tools) {
  auto document = json::OwnedDocument::parse(std::move(tools), registry::definition_limits);
  if (!document) return std::unexpected(document.error());
  Definitions definitions{.document = std::move(*document)};
  for (const json::Value each : definitions.document->root().elements()) definitions.each.push_back(each);
  return definitions;
}

bool read_tool_lists(const SourceFlags& flags, const config::Environment& environment, ShowProgress progress, std::ostream& err,
                     const std::function<void(const ToolSourceList& list)>& take) {
  return Lists(flags, progress, err, take).run(environment);
}

}  // namespace callgate::cli
