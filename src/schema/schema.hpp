#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"

/// JSON Schema, compiled: draft 2020-12 and draft-07 (json-schema.org/draft).
/// The schema is hostile as much as the instance is: nothing is fetched,
/// nothing recurses without a bound, and work that exceeds its budget ends as a
/// failure, never as "valid".
namespace callgate::schema {

enum class Dialect : std::uint8_t { draft7, draft2020_12 };

/// Bounds of one schema. The defaults fit every published tool definition seen
/// so far many times over.
struct CompileOptions {
  /// Meaning of a schema without `$schema`.
  Dialect default_dialect = Dialect::draft2020_12;
  std::size_t max_bytes = std::size_t{1} << 20;
  std::uint32_t max_depth = 128;  ///< JSON nesting of the schema text
  std::uint32_t max_subschemas = 50'000;
  std::uint32_t max_patterns = 200;          ///< distinct regular expressions
  std::size_t max_pattern_states = 100'000;  ///< sizes of their automata together; `^.{1,255}$` has 5,600
  std::int64_t max_compile_steps = 5'000'000;
  std::size_t max_faults = 64;  ///< that Schema::check() reports
  // While validating:
  // Work, about one step a subschema, a key or 64 bytes looked at: a small call
  // has few, so that a schema that multiplies work is cut off within milliseconds.
  std::int64_t base_steps = 250'000;
  std::int64_t steps_per_byte = 8;                        ///< more for each byte of the instance
  std::int64_t max_steps = 4'000'000;                     ///< and never more than this
  std::uint32_t max_nesting = 512;                        ///< subschemas being evaluated inside one another
  std::size_t max_pattern_input = std::size_t{64} << 10;  ///< bytes of a string that meets a `pattern`
};

/// Where and why an instance is not valid. Holds no argument values.
struct Failure {
  std::string path;  ///< JSON Pointer into the instance
  /// The keyword that was not satisfied; `limit` when the work went over a bound.
  std::string keyword;
  std::string schema_path;  ///< JSON Pointer into the schema, ending in the keyword
  /// The member that is missing or depends on a missing one (`required`,
  /// `dependentRequired`, `dependencies`); else empty.
  std::string property;
};

struct Program;
class Schema;

/// What compiling came to: a schema, or what is wrong with it.
struct Compiled {
  std::shared_ptr<const Schema> schema;  ///< null where there is a fault
  std::vector<Error> faults;             ///< in no order
};

/// A compiled schema. Immutable, so any number of threads may validate with it
/// at once; it keeps nothing of the value it was compiled from.
///
/// `format` and the content keywords are annotations here, unknown keywords are
/// ignored. Refused when compiling, with the keyword's name in the message:
/// - `$ref` to anything outside this schema (also the metaschemas' addresses),
///   and references that lead back to themselves on the same value;
/// - `$dynamicRef` and `$vocabulary`;
/// - `$schema` naming another dialect than draft-06, draft-07 or 2020-12;
/// - `pattern`, `patternProperties` that RE2 cannot compile;
/// - keywords whose value has the wrong type.
/// Subschemas that no evaluation can reach (unused `$defs`) are not looked at.
class Schema {
 public:
  /// Error::where is a JSON Pointer into the schema. Errors: `malformed`,
  /// `invalid`, `unsupported`, `too_large`.
  static Result<std::shared_ptr<const Schema>> compile(json::Value schema, const CompileOptions& options = {});
  /// The same for somebody who can mend the schema: every fault at once, each with its `where`.
  static Compiled check(json::Value schema, const CompileOptions& options = {});

  /// The first failure, or nothing when the instance is valid. The instance's
  /// document must have been parsed without `keep_depth`. Allocates only for
  /// failures, escaped strings, and containers under `enum`, `const` or `uniqueItems`.
  std::optional<Failure> validate(json::Value instance) const;

  /// Names of members of the top-level object that the schema mentions
  /// (`properties`, `required`, dependencies; also through `$ref`, `allOf` and
  /// the like). Sorted, each once.
  std::vector<std::string> property_names() const;

  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;
  ~Schema();

 private:
  explicit Schema(std::unique_ptr<const Program> program);
  std::unique_ptr<const Program> program_;
};

}  // namespace callgate::schema
