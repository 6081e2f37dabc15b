#include "policy/permit.hpp"

#include <gtest/gtest.h>

#include <type_traits>

namespace callgate::policy::permit_test {
namespace {

// Nobody but the journal makes one: these are the ways a caller could try.
static_assert(!std::is_default_constructible_v<Permit>);
static_assert(!std::is_copy_constructible_v<Permit>);
static_assert(!std::is_copy_assignable_v<Permit>);
static_assert(!std::is_constructible_v<Permit, Ulid, Permit::Kind>);
static_assert(!std::is_aggregate_v<Permit>);
static_assert(std::is_move_constructible_v<Permit>);

/// Security requirement S6: by the type system.
TEST(Permit, CannotBeMadeOutsideTheJournal) { SUCCEED() << "the assertions above are the test"; }

}  // namespace
}  // namespace callgate::policy::permit_test
