#include "audit/journal.hpp"

#include <gtest/gtest.h>

namespace callgate::audit {
namespace {
TEST(Journal, Compiles) {}
}
}
