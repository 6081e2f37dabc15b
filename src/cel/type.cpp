#include "cel/type.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace callgate::cel {

const Field* Type::find(std::string_view name) const {
  const auto found = std::ranges::find(fields, name, &Field::name);
  return found == fields.end() ? nullptr : &*found;
}

std::string called(Kinds kinds) {
  std::string out;
  for (unsigned i = 0; i < static_cast<unsigned>(Kind::fault); ++i) {
    const auto kind = static_cast<Kind>(i);
    if ((kinds & bit(kind)) != 0) out += fmt::format("{}{}", out.empty() ? "" : " or ", called(kind));
  }
  return out.empty() ? "nothing" : out;
}

}  // namespace callgate::cel
