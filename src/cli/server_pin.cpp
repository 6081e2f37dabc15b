#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>

#include "base/json.hpp"
#include "cli/server_command.hpp"
#include "cli/server_view.hpp"
#include "config/text_file.hpp"
#include "registry/difference.hpp"
#include "registry/fingerprint.hpp"
#include "registry/pin_file.hpp"
#include "registry/pins.hpp"

namespace callgate::cli {
namespace {

using registry::visible;

/// What one `server pin` found and did.
struct Pinning {
  std::size_t accepted = 0;
  std::vector<registry::PinnedLists> lists;  ///< as they stand afterwards
  std::string json;
  std::string left_out;  ///< JSON as well: what cannot be pinned
};

std::string changes_text(const store::Definition* pinned, const store::Definition& offered) {
  const auto now = json::OwnedDocument::parse(offered.text, registry::definition_limits);
  if (!now) return "  the offered definition cannot be read\n";
  if (pinned == nullptr) return registry::description((*now)->root());
  const auto before = json::OwnedDocument::parse(pinned->text, registry::definition_limits);
  if (!before) return "  the pinned definition cannot be read\n" + registry::description((*now)->root());
  return registry::difference((*before)->root(), (*now)->root());
}

void show_change(const OfflineRun& run, const store::ListKey& key, const ToolRow& row, Pinning& done) {
  const std::string changes = changes_text(row.pinned, *row.offered);
  if (!run.json()) {
    fmt::print(run.out, "{} `{}` ({}, {})\n{}", row.pinned != nullptr ? "changed:" : "new:", row.name, visible(key.address), key.era, changes);
    return;
  }
  done.json += fmt::format(R"({}{{"name":{},"era":{},"fingerprint":{},"pinned":{},"difference":{}}})", done.json.empty() ? "" : ",",
                           json::quoted(row.name), json::quoted(key.era), json::quoted(row.offered->fingerprint),
                           json::quoted(row.pinned != nullptr ? row.pinned->fingerprint : ""), json::quoted(changes));
}

/// Shows and accepts what one list offers; what is accepted is what was shown,
/// also when the server changes its mind in between.
Result<void> pin_list(const OfflineRun& run, const store::ListKey& key, Pinning& done) {
  auto found = run.store.pins().find(key);
  if (!found) return std::unexpected(found.error());
  if (!*found) return {};
  const ServerList list{key, std::move(**found)};
  std::vector<store::Definition> accepted;
  for (const ToolRow& row : tool_rows(list)) {
    const auto tool = run.words.value("--tool");
    if (row.offered == nullptr || (tool && *tool != row.name)) continue;
    show_change(run, key, row, done);
    accepted.push_back(*row.offered);
    accepted.back().time_ms = run.now_ms;
  }
  if (!accepted.empty()) {
    if (auto stored = run.store.pins().accept(key, accepted); !stored) return stored;
    done.accepted += accepted.size();
  }
  auto now = run.store.pins().find(key);
  if (!now) return std::unexpected(now.error());
  if (!*now) return {};
  if (!(*now)->left_out.empty() && !run.json()) write_left_out(run.out, {key, **now});
  for (const store::LeftOut& each : (*now)->left_out) {
    done.left_out += fmt::format(R"({}{{"name":{},"era":{},"reason":{}}})", done.left_out.empty() ? "" : ",", json::quoted(each.tool), json::quoted(key.era), json::quoted(each.why));
  }
  done.lists.push_back({key, std::move((*now)->pinned)});
  return {};
}

Exit report(const OfflineRun& run, std::string_view name, const Pinning& done) {
  const auto file = run.words.value("--write");
  if (run.json()) {
    fmt::print(run.out, "{{\"server\":{},\"pinned\":[{}],\"left_out\":[{}]}}\n", json::quoted(name), done.json, done.left_out);
  } else if (done.accepted == 0) {
    fmt::print(run.out, "nothing of `{}` is new or changed\n", name);
  } else {
    fmt::print(run.out, "pinned {} definition{} of `{}`\n", done.accepted, done.accepted == 1 ? "" : "s", name);
    // What the configuration says is not known here, and a reviewed file stands over the store.
    if (!file) fmt::print(run.out, "if its configuration names a `pins:` file, that file stands: write it with `--write FILE`\n");
  }
  if (!file) return Exit::ok;
  if (const auto written = config::write_text(std::string(*file), registry::pin_file_text(name, done.lists)); !written) {
    return run.fault(written.error());
  }
  if (!run.json()) fmt::print(run.out, "wrote all pinned definitions to `{}`\n", *file);
  return Exit::ok;
}

}  // namespace

Exit server_pin(const OfflineRun& run) {
  const std::string_view name = run.words.words[0];
  if (const auto masked = registry::mask_addresses(run.store.pins(), name); !masked) return run.fault(masked.error());
  const auto keys = run.store.pins().lists(name);
  if (!keys) return run.fault(keys.error());
  if (keys->empty()) {
    return run.fault({ErrorKind::not_found,
                      fmt::format("no tools of a server `{}` were listed yet; start a gateway before it once", name), {}});
  }
  Pinning done;
  for (const store::ListKey& key : *keys) {
    if (const auto pinned = pin_list(run, key, done); !pinned) return run.fault(pinned.error());
  }
  const auto tool = run.words.value("--tool");
  if (tool && done.accepted == 0) {
    return run.fault({ErrorKind::not_found, fmt::format("no new or changed definition of `{}` waits; see `callgate server tools {}`",
                                                        visible(*tool), name), {}});
  }
  return report(run, name, done);
}

}  // namespace callgate::cli
