# ./dev new-room NAME
name=${1:-}
[[ $name =~ ^[a-z][a-z0-9_]*$ ]] || give_up "a room's name is snake_case: ./dev new-room NAME" 2
[ ! -e "src/$name" ] || give_up "src/$name is already there" 2
type=$(sed -E 's/(^|_)([a-z])/\U\2/g' <<<"$name")

mkdir -p "src/$name" "tests/$name"
cat >"src/$name/$name.hpp" <<TEXT
#pragma once

/// $name: one sentence that says what this room is for, its units and its errors.
namespace callgate::$name {

/// The name of the room; the first thing that its first test asks.
const char* room();

}  // namespace callgate::$name
TEXT
cat >"src/$name/$name.cpp" <<TEXT
#include "$name/$name.hpp"

namespace callgate::$name {

const char* room() { return "$name"; }

}  // namespace callgate::$name
TEXT
cat >"tests/$name/${name}_test.cpp" <<TEXT
#include "$name/$name.hpp"

#include <gtest/gtest.h>

namespace callgate::$name::${name}_test {
namespace {

TEST($type, KnowsItsName) { EXPECT_STREQ(room(), "$name"); }

}  // namespace
}  // namespace callgate::$name::${name}_test
TEXT
note "now give it a layer:"
note "  CMakeLists.txt        callgate_room($name ROOMS base)"
note "  tests/house/tree.py   LEVELS, and PURE if it does no I/O"
note "  ARCHITECTURE.md       the map and the layers"
proved "src/$name and tests/$name are there, with a first file and a first test"
