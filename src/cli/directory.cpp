#include "cli/directory.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/json.hpp"
#include "registry/fingerprint.hpp"

namespace callgate::cli {

namespace {

constexpr std::array<std::string_view, 2> eras{"legacy", "modern"};

const store::Definition* find_tool(const std::vector<store::Definition>& list, std::string_view tool) {
  const auto found = std::ranges::find(list, tool, &store::Definition::tool);
  return found == list.end() ? nullptr : &*found;
}

/// What a tool that the server lists now is said to be: as its calls are judged, a
/// new one by itself.
void put_class(admin::ToolEntry& entry, const gateway::Parts& parts, const gateway::Gate& gate) {
  registry::ToolClass is;
  const gateway::KnownTools& known = gate.tools().known(entry.era == "modern" ? mcp::Era::modern : mcp::Era::legacy);
  if (const registry::Tool* tool = known.table ? known.table->find(entry.name) : nullptr) {
    is = {.risk = tool->risk, .category = tool->category, .reason = tool->class_reason};
  } else if (entry.state == admin::ToolEntry::State::unknown && parts.classes_of) {
    const auto read = json::OwnedDocument::parse(entry.offered_definition, registry::definition_limits);
    const std::vector<json::Value> alone = read ? std::vector{(*read)->root()} : std::vector<json::Value>();
    if (read) is = registry::answer_of(*parts.classes_of(gate.server(), alone)).front();
  }
  if (is.category.empty()) return;
  entry.category = is.category;
  entry.risk = word(is.risk);
  entry.class_reason = is.reason;
}

struct Taken {
  store::ListKey key;
  std::vector<store::Definition> definitions;
};

/// What the request accepts of each era. Errors: nothing is offered of its tool (`not_found`), or in no era the
/// definition that was looked at (`conflict`).
Result<std::vector<Taken>> fitting(const gateway::Parts& parts, const gateway::Gate& gate, const admin::PinRequest& request) {
  std::vector<Taken> found;
  bool differs = false;
  for (const std::string_view era : eras) {
    Taken taken{.key = {.server = gate.name(), .address = gate.server().address(), .era = std::string(era)}, .definitions = {}};
    auto list = parts.store.pins().find(taken.key);
    if (!list) return std::unexpected(list.error());
    if (!*list) continue;
    for (store::Definition& offered : (*list)->offered) {
      if (!request.tool.empty() && offered.tool != request.tool) continue;
      const bool fits = request.fingerprint.empty() || offered.fingerprint == request.fingerprint;
      differs = differs || !fits;
      if (!fits) continue;
      offered.time_ms = parts.clock.wall_ms();
      taken.definitions.push_back(std::move(offered));
    }
    if (!taken.definitions.empty()) found.push_back(std::move(taken));
  }
  if (found.empty() && differs)
    return fail(ErrorKind::conflict, fmt::format("`{}` is offered with another definition by now: look at it again", request.tool));
  if (found.empty() && !request.tool.empty()) return fail(ErrorKind::not_found, fmt::format("nothing new is offered for `{}`", request.tool));
  return found;
}

}  // namespace

std::vector<admin::ServerEntry> Directory::servers() const {
  std::vector<admin::ServerEntry> entries;
  for (const auto& gate : gates_.all()) {
    admin::ServerEntry entry;
    entry.name = gate->name();
    entry.transport = gate->server().url.empty() ? "stdio" : "http";
    entry.address = gate->server().address();
    entry.source = gate->server().registered ? "store" : source_;
    if (const auto policy = gate->policy()) entry.policy = policy->hash();
    const gateway::KnownTools& known = gate->tools().known(mcp::Era::legacy);
    entry.state = known.table ? "ready" : known.fault.empty() ? "starting" : "failed";
    entry.fault = known.told();
    if (known.table) {
      entry.tools = known.table->tools().size();
      entry.quarantined = static_cast<std::uint64_t>(std::ranges::count(known.table->tools(), registry::Tool::State::quarantined, &registry::Tool::state));
      entry.left_out = static_cast<std::uint64_t>(std::ranges::count_if(known.table->drift(), registry::is_left_out));
      entry.unknown = static_cast<std::uint64_t>(std::ranges::count(known.table->drift(), registry::Drift::Kind::added, &registry::Drift::kind));
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::vector<admin::ToolEntry>> Directory::tools(std::string_view server) const {
  const gateway::Gate* gate = gates_.find(server);
  if (gate == nullptr) return fail(ErrorKind::not_found, fmt::format("there is no server `{}`", server));
  std::vector<admin::ToolEntry> entries;
  for (const std::string_view era : eras) {
    const store::ListKey key{.server = gate->name(), .address = gate->server().address(), .era = std::string(era)};
    auto list = parts_.store.pins().find(key);
    if (!list) return std::unexpected(list.error());
    if (!*list) continue;
    for (const store::Definition& pinned : (*list)->pinned) {
      admin::ToolEntry entry{.name = pinned.tool, .era = std::string(era), .fingerprint = pinned.fingerprint, .definition = pinned.text};
      if (const store::Definition* offered = find_tool((*list)->offered, pinned.tool)) {
        entry.state = admin::ToolEntry::State::quarantined;
        entry.offered = offered->fingerprint;
        entry.offered_definition = offered->text;
      }
      entries.push_back(std::move(entry));
    }
    for (const store::Definition& offered : (*list)->offered) {
      if (find_tool((*list)->pinned, offered.tool) != nullptr) continue;
      entries.push_back({.name = offered.tool, .state = admin::ToolEntry::State::unknown, .era = std::string(era),
                         .offered = offered.fingerprint, .offered_definition = offered.text});
    }
  }
  for (admin::ToolEntry& entry : entries) put_class(entry, parts_, *gate);
  return entries;
}

Result<std::vector<admin::LeftOutEntry>> Directory::left_out(std::string_view server) const {
  const gateway::Gate* gate = gates_.find(server);
  if (gate == nullptr) return fail(ErrorKind::not_found, fmt::format("there is no server `{}`", server));
  std::vector<admin::LeftOutEntry> entries;
  for (const std::string_view era : eras) {
    const auto list = parts_.store.pins().find({.server = gate->name(), .address = gate->server().address(), .era = std::string(era)});
    if (!list) return std::unexpected(list.error());
    if (!*list) continue;
    for (const store::LeftOut& each : (*list)->left_out) entries.push_back({.name = each.tool, .era = std::string(era), .reason = each.why});
  }
  return entries;
}

Result<std::vector<std::string>> Directory::pin(std::string_view server, const admin::PinRequest& request) {
  gateway::Gate* gate = gates_.find(server);
  if (gate == nullptr) return fail(ErrorKind::not_found, fmt::format("there is no server `{}`", server));
  // A server may offer another definition in each era, and one of them was looked at: nothing is stored before both are known.
  const auto found = fitting(parts_, *gate, request);
  if (!found) return std::unexpected(found.error());
  std::set<std::string> accepted;
  Result<void> stored;
  for (const auto& [key, take] : *found) {
    stored = parts_.store.pins().accept(key, take);
    if (!stored) break;
    for (const store::Definition& each : take) accepted.insert(each.tool);
  }
  // Also where the store failed between the two eras: what the first got stands.
  if (!accepted.empty()) gate->tools().pins_changed();
  if (stored || !accepted.empty()) parts_.log.info("pins_accepted", {{"server", gate->name()}, {"tools", accepted.size()}});
  if (!stored) return std::unexpected(stored.error());
  return std::vector<std::string>(accepted.begin(), accepted.end());
}

admin::Health Directory::health() const {
  admin::Health health{.version = CALLGATE_VERSION, .instance = parts_.journal.instance(), .started_ms = started_ms_};
  if (!parts_.journal.health().writing)
    health.faults.push_back(fmt::format("the journal cannot be written: {}", parts_.journal.health().fault));
  if (parts_.journal.health().on_reserve) health.faults.push_back(parts_.journal.health().fault);
  if (parts_.policies.faulty() != 0) health.faults.push_back("a policy file is refused: the last good one stays in force");
  for (const auto& gate : gates_.all()) {
    const gateway::KnownTools& known = gate->tools().known(mcp::Era::legacy);
    if (!known.fault.empty())
      health.faults.push_back(fmt::format("the tools of `{}` could not be read: {}", gate->name(), known.told()));
    if (const auto& unmet = gate->unmet_tests(); !unmet.empty())
      health.faults.push_back(fmt::format("tests in the policy of `{}` do not hold with its tools ({}): {}: {}", gate->name(), unmet.size(), unmet.front().where, unmet.front().message));
  }
  if (more_faults_) {
    for (std::string& fault : more_faults_()) health.faults.push_back(std::move(fault));
  }
  return health;
}

}  // namespace callgate::cli
