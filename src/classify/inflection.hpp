#pragma once

#include <string>
#include <string_view>

/// Forms of English words by rule; what no rule gives stands in the tables.
/// ASCII lower case in, the same out.
namespace callgate::classify {

std::string third_person(std::string_view verb);  ///< `lists`, `copies`, `pushes`
std::string gerund(std::string_view verb);        ///< `listing`, `creating`, `stopping`
std::string past(std::string_view verb);          ///< `listed`, `copied`, `stopped`
std::string plural(std::string_view noun);        ///< of its last word: `api keys`, `policies`

}  // namespace callgate::classify
