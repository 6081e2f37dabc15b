#include "cli/starting_policy.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "base/sha256.hpp"
#include "classify/classifier.hpp"
#include "cli/data_folder.hpp"
#include "cli/kept_list.hpp"
#include "cli/live_lists.hpp"
#include "cli/server_classes.hpp"
#include "cli/tool_lists.hpp"
#include "config/text_file.hpp"
#include "generate/policy.hpp"

namespace callgate::cli {
namespace {

namespace fs = std::filesystem;

/// Another command or address under the same name is another server; another credential in it is not. One that was
/// made when it still was stays where it is, and where counters know it.
fs::path file_of(const config::Config& config, const config::Server& server) {
  const auto named = [&](const std::string& address) {
    return config.data / "policies" / fmt::format("{}-{}.yaml", server.name, sha256_hex(address).substr(0, 12));
  };
  std::error_code unknown;
  const fs::path earlier = named(server.exact_address());
  return fs::exists(earlier, unknown) ? earlier : named(server.address());
}

/// Makes it from a JSON array of definitions, and writes it.
Result<MadePolicy> make(const config::Server& server, const fs::path& file, std::string tools) {
  const auto definitions = read_definitions(std::move(tools));
  if (!definitions) return std::unexpected(definitions.error());
  const ServerClasses classes = judge_tools(classify::Classifier(), definitions->each, ClassRules::of(server));
  generate::Generated made = generate::generate_policy(server.name, definitions->each, classes.tools);
  if (made.rules.empty()) return fail(ErrorKind::refused, "the server lists no tool to make a policy for");
  if (auto folder = make_private_folder(file.parent_path()); !folder) return std::unexpected(folder.error());
  if (auto written = config::write_new_text(file, made.text); !written) return std::unexpected(written.error());
  return MadePolicy{.text = std::move(made.text),
                    .effect = generate::sentence(generate::effect_of(made.rules, made.rules.size() + made.left_out.size()))};
}

Result<std::string> list_of(const config::Config& config) {
  auto lists = read_live_lists(config, [](std::size_t, std::size_t, const LiveList&) {});
  if (!lists) return std::unexpected(lists.error());
  return std::move(lists->front().tools);
}

}  // namespace

bool needs_starting_policy(const config::RunFlags& flags) {
  return !flags.from_store && flags.config_file.empty() && flags.config.servers.size() == 1 && flags.config.servers[0].policy.empty();
}

Result<std::string> starting_policy(const config::Config& config, std::ostream& err) {
  const config::Server& server = config.servers[0];
  const fs::path file = file_of(config, server);
  const auto earlier = [&] {
    err << fmt::format("callgate: no `--policy` is given: the one of an earlier start holds, {}\n", file.string());
    return file.string();
  };
  std::error_code unknown;
  if (fs::exists(file, unknown)) return earlier();
  err << "callgate: no `--policy` is given: one is made from the tools that the server lists\n" << std::flush;
  auto tools = list_of(config);
  if (!tools) {
    const Error& why = tools.error();
    return fail(ErrorKind::unavailable, fmt::format("no policy could be made: {}{}; name one with `--policy FILE`",
                                                    why.message, why.where.empty() ? "" : " (" + why.where + ")"));
  }
  const auto made = make(server, file, std::move(*tools));
  if (!made && made.error().kind == ErrorKind::conflict) return earlier();
  if (!made && made.error().kind == ErrorKind::refused) return fail(ErrorKind::refused, made.error().message + "; name one with `--policy FILE`");
  if (!made) return std::unexpected(made.error());
  err << made->text << fmt::format("callgate: {}; kept in {} for later starts: edit it there, or give `--policy`\n", made->effect, file.string());
  return file.string();
}

void place_starting_policies(config::Config& config) {
  for (config::Server& server : config.servers) {
    if (server.registered || !server.policy.empty()) continue;
    server.policy = file_of(config, server);
    server.policy_is_made = true;
  }
}

Result<MadePolicy> make_starting_policy(const config::Server& server, store::Store& store) {
  const auto list = newest_pinned(store, server.name, server.address());
  if (!list) return std::unexpected(list.error());
  if (!*list) return fail(ErrorKind::refused, "the server lists no tool to make a policy for");
  return make(server, server.policy, pinned_array(**list));
}

}  // namespace callgate::cli
