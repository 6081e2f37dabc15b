#pragma once

#include "base/log.hpp"
#include "cli/server_classes.hpp"
#include "gateway/parts.hpp"
#include "policy/tool_class.hpp"

namespace callgate::cli {

/// What the classifier, or the operator in its place, says of each tool of a
/// list: judged once when a list is read, never when a tool is called.
/// Annotations lower nothing unless the server's configuration says so. What the
/// operator said of another definition is a line of `log`, which outlives this.
/// The classifier and its tables (1.3 MiB) last for one list only; a list that was
/// judged before is known by its digest, for a server that is asked again and again. Threads: one.
gateway::ClassesOf tool_classes(Log& log);

/// The same for a saved list that a policy is held against.
policy::ClassesOf listed_tool_classes(ClassRules rules = {});

}  // namespace callgate::cli
