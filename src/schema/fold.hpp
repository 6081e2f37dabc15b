#pragma once

#include "schema/program.hpp"

namespace callgate::schema {

/// Makes the branches of `allOf` that say simple things one: those that only speak
/// of members become one table of members, and of bounds on one number or length
/// only the tightest stay. What is accepted stays the same; of several clauses that
/// refuse a value another one may be named. Generated policies hold thousands.
/// Pre: compiled without faults.
void fold(Program& program);

}  // namespace callgate::schema
