#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "schema/schema.hpp"

/// Schemas and instances as texts, for tests.
namespace callgate::schema {

inline std::unique_ptr<json::OwnedDocument> document(std::string_view text) {
  auto parsed = json::OwnedDocument::parse(std::string(text), {.max_depth = 100'000, .check_number_range = false});
  if (!parsed) ADD_FAILURE() << parsed.error().message << " in " << text.substr(0, 200);
  return parsed ? std::move(*parsed) : nullptr;
}

inline Result<std::shared_ptr<const Schema>> compiled(std::string_view text, const CompileOptions& options = {}) {
  return Schema::compile(document(text)->root(), options);
}

/// The failure of `instance`, or nothing; a schema that does not compile fails the test.
inline std::optional<Failure> judged(std::string_view schema, std::string_view instance, const CompileOptions& options = {}) {
  const auto program = compiled(schema, options);
  if (!program) {
    ADD_FAILURE() << program.error().message << " at " << program.error().where;
    return Failure{.keyword = "not compiled"};
  }
  return (*program)->validate(document(instance)->root());
}

/// The keyword that refuses `instance`; empty when it is valid.
inline std::string refusal(std::string_view schema, std::string_view instance, const CompileOptions& options = {}) {
  const auto failure = judged(schema, instance, options);
  return failure ? failure->keyword : "";
}

}  // namespace callgate::schema
