#pragma once

#include "policy/tool_class.hpp"
#include "registry/pins.hpp"

namespace callgate::cli {

/// What the classifier says of each tool of a list, for the registry: judged once
/// when a list is read, never when a tool is called. Annotations lower nothing.
/// The classifier and its tables (1.3 MiB) last for one list only; a list that was
/// judged before is known by its digest, for a server that is asked again and again. Threads: one.
registry::ClassesOf tool_classes();

/// The same for a saved list that a policy is held against.
policy::ClassesOf listed_tool_classes();

}  // namespace callgate::cli
