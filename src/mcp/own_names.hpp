#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

/// Member names that the gateway alone may write: those that begin with `dev.callgate/`.
/// A server that writes one could pass its own words off as the gate's. Pure; any thread.
namespace callgate::mcp {

inline constexpr std::string_view own_prefix = "dev.callgate/";

/// Where the first member name stands that begins with the prefix, in whatever case and
/// however it is escaped, at any depth; nothing where there is none. Values may say it.
/// Costs next to nothing where the text says nothing of the kind.
/// Pre: `json` was accepted by the strict reader.
std::optional<std::size_t> find_own_name(std::string_view json);

}  // namespace callgate::mcp
