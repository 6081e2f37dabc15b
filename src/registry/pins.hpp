#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "registry/pin_file.hpp"
#include "registry/tool_table.hpp"
#include "store/pins.hpp"

namespace callgate::registry {

enum class NewTools : std::uint8_t {
  refuse,         ///< a new name is unknown until `server pin` accepts it
  follow_policy,  ///< a new name is pinned at once
};

/// Says of each definition of one list what it is, in their order.
using ClassesOf = std::function<std::vector<ToolClass>(std::span<const json::Value> definitions)>;

/// Whose list it is, and under which rules it is read.
struct ListSource {
  store::ListKey key;                 ///< server, address, era
  NewTools new_tools = NewTools::refuse;
  const PinFile* reviewed = nullptr;  ///< pins in version control instead of the store's
  ClassesOf classes_of = {};  ///< empty: nobody says
  std::vector<Drift> unreadable = {};  ///< entries that are not among the definitions
};

/// Compares the list that the gateway itself read with the pins and makes the
/// table that calls are judged by (S10, policy-language section 2.1). The first
/// list of a server and address pins. A name that its own era's pins do not hold is
/// judged by the other era's, where those hold it. What is new or changed is put
/// beside the pins as an offer, for `server pin` to show and accept.
/// What cannot be called stands beside the pins, for people to see.
/// `definitions` are the elements of `result.tools` of all pages in order; a
/// non-object is reported and left out. `previous` lends its compiled schemas.
/// Errors: those of the store; nothing may be judged by an older list then.
Result<std::shared_ptr<const ToolTable>> observe(store::Pins& pins, const ListSource& source,
                                                 std::span<const json::Value> definitions, std::int64_t now_ms,
                                                 const ToolTable* previous = nullptr);

/// Takes credentials out of the addresses that lists of the server were kept under
/// by versions that did not mask them: their pins go on. Errors: those of the store.
Result<void> mask_addresses(store::Pins& pins, std::string_view server);

}  // namespace callgate::registry
