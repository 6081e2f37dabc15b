#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// Names of tools and prompts where several servers share one address:
/// `<server>__<name>`, at most 64 bytes. A longer one is cut and ends with 16 hex
/// digits of the digest of the whole, so it is the same every time and cannot be
/// taken for another's; what it stands for is found among the names that are
/// known. Pure; any thread.
namespace callgate::aggregate {

inline constexpr std::size_t longest_name = 64;  ///< what clients pass on to models at most
inline constexpr std::size_t longest_slug = 24;

/// What stands for a server: its name, or one made of it where that is long,
/// holds `__` or ends with `_`, so that the first `__` always ends it.
std::string slug_of(std::string_view server);

/// The name under which clients know `name` of that server.
std::string shown_name(std::string_view slug, std::string_view name);

/// The two halves of a shown name; nothing where it has no `__`.
struct SplitName {
  std::string_view slug;
  std::string_view name;  ///< cut, where `shown` is
};
std::optional<SplitName> split_name(std::string_view shown);

/// The id by which clients know a task of that server. Never cut: it has to lead
/// back to its task without a memory.
std::string shown_task(std::string_view slug, std::string_view id);

/// Whether it reads like one that was cut.
bool may_be_cut(std::string_view shown);

}  // namespace callgate::aggregate
