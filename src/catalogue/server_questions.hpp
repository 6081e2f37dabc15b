#pragma once

#include <vector>

#include "catalogue/blocks.hpp"
#include "catalogue/list_pages.hpp"

namespace callgate::catalogue {

/// What people ask of a server before they let an agent use it, answered from its
/// tools and the rules that are suggested for them. `order`: of its tools with a page, worst first.
Section questions_on(const ServerView& server, const std::vector<std::size_t>& order);

}  // namespace callgate::catalogue
