#include "schema/pattern.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include "schema/ecma.hpp"

namespace callgate::schema {
namespace {

// A pattern's automaton may grow up to this while it runs; what does not fit is
// matched without a cache, slower and still linear. A schema can hold hundreds.
constexpr std::int64_t max_automaton_bytes = std::int64_t{1} << 19;
constexpr std::size_t max_pattern_bytes = 8192;
constexpr int max_program = 10'000;
constexpr std::size_t states_a_step = 64;

RE2::Options options() {
  RE2::Options chosen(RE2::CannedOptions::DefaultOptions);
  chosen.set_log_errors(false);
  chosen.set_max_mem(max_automaton_bytes);
  return chosen;
}

}  // namespace

struct Pattern::Engine {
  explicit Engine(std::string_view text) : expression(re2::StringPiece(text.data(), text.size()), options()) {}
  RE2 expression;
};

Pattern::Pattern(std::string source, std::unique_ptr<Engine> engine)
    : source_(std::move(source)), engine_(std::move(engine)) {}
Pattern::~Pattern() = default;

Result<std::unique_ptr<Pattern>> Pattern::compile(std::string_view text) {
  if (text.size() > max_pattern_bytes) {
    return fail(ErrorKind::too_large, fmt::format("expression is longer than {} bytes", max_pattern_bytes));
  }
  auto engine = std::make_unique<Engine>(to_re2(text));
  if (!engine->expression.ok()) return fail(ErrorKind::unsupported, engine->expression.error());
  if (engine->expression.ProgramSize() > max_program) {
    return fail(ErrorKind::too_large, "expression compiles to too large an automaton");
  }
  return std::unique_ptr<Pattern>(new Pattern(std::string(text), std::move(engine)));
}

bool Pattern::search(std::string_view text) const {
  return engine_->expression.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), RE2::UNANCHORED, nullptr, 0);
}

std::int64_t Pattern::cost(std::size_t bytes) const {
  const auto states = static_cast<std::size_t>(engine_->expression.ProgramSize());
  return static_cast<std::int64_t>(1 + bytes * states / states_a_step);
}

}  // namespace callgate::schema
