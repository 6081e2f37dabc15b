#pragma once

#include <string>

#include "catalogue/blocks.hpp"

namespace callgate::catalogue {

/// The page as HTML: complete without a script, nothing inline, no request
/// beyond its folder, fit for `default-src 'none'; script-src 'self'; style-src 'self'`.
std::string to_html(const Page& page);

}  // namespace callgate::catalogue
