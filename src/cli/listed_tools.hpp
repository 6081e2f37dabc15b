#pragma once

#include <filesystem>
#include <optional>

#include "config/config.hpp"
#include "policy/tool_list.hpp"
#include "store/store.hpp"

namespace callgate::cli {

/// The names of the pinned tools of the servers that this policy file is about, its own and
/// those of its grants; nothing where none was listed yet, or the store cannot
/// be read (a policy is not refused for that).
std::optional<policy::ToolList> listed_tools(const config::Config& config, store::Store& store, const std::filesystem::path& policy);

}  // namespace callgate::cli
