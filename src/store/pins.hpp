#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "store/rows.hpp"

namespace callgate::store {

/// What is kept of one list, each part by tool name.
struct PinnedList {
  std::vector<Definition> pinned;   ///< accepted: at first use, or by a person
  std::vector<Definition> offered;  ///< new or changed since, waiting for `server pin`
  std::vector<LeftOut> left_out{};  ///< neither, as the list was read last

  bool operator==(const PinnedList&) const = default;
};

/// So far apart the first lists of a server's two eras may come for names of the second to be first ones: a server
/// that has tools in one era only shows them to the first client of that era.
inline constexpr std::int64_t first_lists_within_ms = 10 * 60 * 1000;

/// Pinned tool definitions (S10). Several processes may stand in front of the
/// same server: each function is one transaction.
class Pins {
 public:
  virtual ~Pins() = default;

  virtual Result<std::optional<PinnedList>> find(const ListKey& key) = 0;
  virtual Result<std::vector<ListKey>> lists(std::string_view server) = 0;
  /// Pins the definitions if there is no list of this server at this address. Where another era's first list came
  /// less than `first_lists_within_ms` ago, and nothing was offered at this address ever, it pins those of names that no
  /// other era holds. Answers what stands of this list afterwards: of two processes that come at once the first one's;
  /// nothing where there is none.
  virtual Result<PinnedList> pin_first(const ListKey& key, std::span<const Definition> definitions, std::int64_t now_ms) = 0;
  /// What waits for a person is now exactly this; writes only where it differs. Once anything waits, no other era has a
  /// first list at this address.
  virtual Result<void> offer(const ListKey& key, std::span<const Definition> definitions) = 0;
  /// What cannot be called is now exactly this, in this order; writes only where it differs.
  virtual Result<void> leave_out(const ListKey& key, std::span<const LeftOut> tools) = 0;
  /// Pins these definitions in place of those of the same tools.
  virtual Result<void> accept(const ListKey& key, std::span<const Definition> definitions) = 0;
  /// The pinned definitions are now exactly these (of a reviewed file); writes
  /// only where they differ.
  virtual Result<void> replace(const ListKey& key, std::span<const Definition> definitions) = 0;
  /// Gives the server's lists, and its unknown-tool answers, the address that `now` says of theirs. Of
  /// several that come to one address and era, one that has it stands, then the newest; writes only where one differs.
  virtual Result<void> readdress(std::string_view server, const std::function<std::string(std::string_view)>& now) = 0;
};

}  // namespace callgate::store
