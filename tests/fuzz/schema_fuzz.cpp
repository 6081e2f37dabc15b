// A schema, a line end of its own (byte 0), an instance: compiling and
// validating ends, within bounds, for any bytes.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "schema/schema.hpp"

using namespace callgate;

namespace {

json::Limits limits() { return {.max_depth = 256, .check_number_range = false}; }

void check(json::Value schema, json::Value instance, schema::Dialect dialect) {
  schema::CompileOptions options{.default_dialect = dialect};
  options.base_steps = 50'000;
  const auto compiled = schema::Schema::compile(schema, options);
  if (!compiled) {
    if (compiled.error().message.empty()) std::abort();
    return;
  }
  const auto first = (*compiled)->validate(instance);
  const auto again = (*compiled)->validate(instance);
  // The same answer each time, and a refusal that names its keyword.
  if (first.has_value() != again.has_value()) std::abort();
  if (first && (first->keyword != again->keyword || first->path != again->path)) std::abort();
  (void)(*compiled)->property_names();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = text.find('\0');
  if (cut == std::string_view::npos) return 0;
  json::Document schema;
  json::Document instance;
  if (!json::parse(text.substr(0, cut), limits(), schema)) return 0;
  if (!json::parse(text.substr(cut + 1), limits(), instance)) return 0;
  check(schema.root(), instance.root(), schema::Dialect::draft2020_12);
  check(schema.root(), instance.root(), schema::Dialect::draft7);
  return 0;
}
