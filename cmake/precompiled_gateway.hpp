// The same for tests of the gateway and what stands on it: nearly each begins with this world.
#pragma once

#include "precompiled_tests.hpp"

#include "gateway/world.hpp"
