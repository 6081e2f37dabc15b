#pragma once

#include <string>
#include <string_view>

namespace callgate {

/// What a hurried reader sees of a name: lower case, full-width and
/// mathematical letters, Cyrillic and Greek twins of Latin ones brought to
/// ASCII, accents, blanks and invisible characters dropped, `-` and `.` as `_`.
/// Only for warnings: names are compared byte for byte (S7).
std::string folded_name(std::string_view name);

/// Equal for names that are taken for one another: folded, without separators,
/// `0` as `o`, `1` and `i` as `l`. For comparing alone: it is nothing to be read.
std::string look_alike_key(std::string_view name);

}  // namespace callgate
