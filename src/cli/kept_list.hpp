#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "catalogue/facts.hpp"
#include "cli/server_view.hpp"
#include "store/store.hpp"

namespace callgate::cli {

/// The list of that server that was pinned last in a data folder: a server that
/// moved has older ones beside it. Of two eras pinned at once the legacy one,
/// which every client can speak. Makes no folder and changes nothing.
/// Errors: `unavailable`, with what to do.
Result<ServerList> kept_list(const std::filesystem::path& data, const std::string& server);

/// The same in an open store; nothing where nothing is pinned. With `address` only
/// what that command or URL listed. Errors: those of the store.
Result<std::optional<ServerList>> newest_pinned(store::Store& store, const std::string& server, std::string_view address = {});

/// How the tools of that server are judged, where it is a registered one. Changes nothing.
Result<ClassRules> registered_rules(const std::filesystem::path& data, const std::string& server);

/// The policy file of that server, where it is a registered one that has one; else empty. Changes nothing.
Result<std::filesystem::path> registered_policy(const std::filesystem::path& data, const std::string& server);

/// Its definitions as a JSON array: those that are pinned.
std::string pinned_array(const ServerList& list);

/// The same with those that are new behind them, by name.
std::string array_with_new(const ServerList& list);

/// What pages say of the pins, in the order of `array_with_new`.
std::vector<catalogue::KeptFacts> kept_facts(const ServerList& list);

}  // namespace callgate::cli
