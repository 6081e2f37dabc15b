#include "schema/schema.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "schema/compiler.hpp"
#include "schema/evaluator.hpp"
#include "schema/fold.hpp"
#include "schema/program.hpp"

namespace callgate::schema {

Schema::Schema(std::unique_ptr<const Program> program) : program_(std::move(program)) {}
Schema::~Schema() = default;

Result<std::shared_ptr<const Schema>> Schema::compile(json::Value schema, const CompileOptions& options) {
  CompileOptions one = options;
  one.max_faults = 1;
  Compiled compiled = check(schema, one);
  if (!compiled.schema) return std::unexpected(std::move(compiled.faults.front()));
  return std::move(compiled.schema);
}

Compiled Schema::check(json::Value schema, const CompileOptions& options) {
  const auto refused = [](Error fault) { return Compiled{.schema = nullptr, .faults = {std::move(fault)}}; };
  if (schema.text().size() > options.max_bytes) {
    return refused({ErrorKind::too_large, fmt::format("schema is longer than {} bytes", options.max_bytes), {}});
  }
  // A text of its own, so that the program outlives the message it came in.
  auto document = json::OwnedDocument::parse(std::string(schema.text()),
                                             {.max_depth = options.max_depth, .check_number_range = false});
  if (!document) return refused(document.error());
  auto program = std::make_unique<Program>();
  program->document = std::move(*document);
  program->options = options;
  const json::Value root = program->document->root();
  if (!root.is_object() && !root.is_boolean()) return refused({ErrorKind::invalid, "schema must be an object or a boolean", {}});

  Compiler compiler(*program, Resources(root, options));
  std::vector<Error> faults = compiler.run();
  if (!faults.empty()) return {.schema = nullptr, .faults = std::move(faults)};
  fold(*program);
  return {.schema = std::shared_ptr<const Schema>(new Schema(std::move(program))), .faults = {}};
}

std::optional<Failure> Schema::validate(json::Value instance) const { return Evaluator(*program_, instance).run(); }

std::vector<std::string> Schema::property_names() const {
  std::vector<std::string> names;
  std::vector<bool> seen(program_->blocks.size(), false);
  std::vector<BlockId> waiting = {0};
  seen[0] = true;
  while (!waiting.empty()) {
    const Block& block = program_->blocks[waiting.back()];
    waiting.pop_back();
    for_each_in_place(block, [&](BlockId id) {
      if (!seen[id]) waiting.push_back(id);
      seen[id] = true;
    });
    if (!block.object) continue;
    for (const Property& property : block.object->properties) {
      names.push_back(property.name);
      for (const Dependency& each : property.dependencies) {
        names.insert(names.end(), each.required.begin(), each.required.end());
      }
    }
  }
  std::ranges::sort(names);
  const auto [first, last] = std::ranges::unique(names);
  names.erase(first, last);
  return names;
}

}  // namespace callgate::schema
