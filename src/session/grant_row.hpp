#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/rows.hpp"

/// A grant as one line that other gateways read.
namespace callgate::session {

/// `REVOKED CHANGED FIELDS`: whether it is revoked (0, 1), when its token was made
/// or replaced, and all of it.
std::string row_text(const store::Grant& grant);
/// Nothing where the text cannot be read.
std::optional<store::Grant> read_row(std::string_view text);

/// Whether `one` overrules `other` wherever they meet.
bool overrules(const store::Grant& one, const store::Grant& other);
/// They say the same; a folder in which the name was taken has it under another.
bool same_but_name(store::Grant one, const store::Grant& other);

}  // namespace callgate::session
