#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "mcp/message.hpp"
#include "policy/policy.hpp"
#include "registry/tool_table.hpp"
#include "upstream/seen_answer.hpp"

namespace callgate::gateway {

/// By what the items of a list were judged. Other snapshots judge anew.
struct ListJudges {
  mcp::MethodId method;
  mcp::Era era;
  std::shared_ptr<const policy::Policy> policy;
  std::shared_ptr<const policy::Policy> grant_policy;
  bool asks_grant = false;
  std::shared_ptr<const registry::ToolTable> table;
  bool operator==(const ListJudges&) const = default;
};

/// A list as the server answered it, and what became of it.
struct JudgedList {
  ListJudges judges;
  upstream::SeenAnswer from_server;
  bool whole = true;              ///< it was passed on as it came
  upstream::SeenAnswer filtered;  ///< where it was not: what was answered
};

/// The lists that a gate judged last. Servers answer the same list again and
/// again, and of a thousand tools every item would be read, compared and copied
/// each time. Holds a few lists of bounded size. Threads: the loop's.
class ListMemory {
 public:
  static constexpr std::size_t max_lists = 8;
  static constexpr std::size_t max_bytes = std::size_t{4} << 20U;  ///< of one list

  /// Null where none was judged so.
  std::shared_ptr<const JudgedList> find(const ListJudges& judges);
  void remember(JudgedList list);

 private:
  std::vector<std::shared_ptr<const JudgedList>> lists_;  ///< latest used first
};

}  // namespace callgate::gateway
