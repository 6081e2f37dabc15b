#pragma once

#include <string>
#include <string_view>

namespace callgate::registry {

/// Two texts cut to what differs between them. What is the same is left out but
/// for a few words beside each difference, with the number of bytes that are not
/// shown; what differs is not left out here; of a value only so
/// many bytes are shown in the end (difference.cpp), and how many are missing is said.
struct ChangedParts {
  std::string before;
  std::string after;
};

/// Words are compared where there are not too many differences, else all between
/// the first and the last one counts as different. Takes time in proportion to
/// the texts and, up to a bound, to the number of differences. Pre: UTF-8.
ChangedParts changed_parts(std::string_view before, std::string_view after);

}  // namespace callgate::registry
