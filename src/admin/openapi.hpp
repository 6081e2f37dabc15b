#pragma once

#include <string_view>

namespace callgate::admin {

/// The description of the admin API (OpenAPI 3.1, JSON), as served at
/// `/api/v1/openapi.json`. A test compares it with the routes.
std::string_view openapi_text();

}  // namespace callgate::admin
