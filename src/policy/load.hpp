#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "policy/expect.hpp"
#include "policy/policy.hpp"
#include "policy/tool_list.hpp"

namespace callgate::policy {

/// What became of a policy file's text.
struct Loaded {
  std::shared_ptr<const Policy> policy;   ///< null if there is any fault
  std::vector<Error> faults;              ///< every one, in the order of the file; `where` is file:line:column
  std::vector<Error> warnings;            ///< things that are legal and most likely not meant
  std::vector<Expectation> expectations;  ///< the file's own tests; empty if there is any fault
};

/// Compiles a policy. `file_name` is used in `where` only; nothing is read.
/// With `tools`, also says which keys match nothing and which globs tie.
/// Never throws on any input; texts over 4 MiB are refused.
Loaded load(std::string_view text, std::string_view file_name, const ToolList* tools = nullptr);

}  // namespace callgate::policy
