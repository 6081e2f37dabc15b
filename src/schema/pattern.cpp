#include "schema/pattern.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "schema/ecma.hpp"

namespace callgate::schema {
namespace {

// A pattern's automaton may grow up to this while it runs; what does not fit is
// matched without a cache, slower and still linear.
constexpr std::int64_t max_automaton_bytes = std::int64_t{2} << 20;
constexpr std::size_t max_pattern_bytes = 8192;
// `^\S{1,1000}$` has 41,000.
constexpr std::size_t max_states = 50'000;
// Few of a large automaton's states are alive at once: most spell out one character's bytes.
constexpr std::size_t max_states_alive = 1024;
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
  std::unique_ptr<Pattern> pattern(new Pattern(std::string(text), std::move(engine)));
  if (pattern->states() > max_states)
    return fail(ErrorKind::too_large, "expression compiles to too large an automaton");
  return pattern;
}

bool Pattern::search(std::string_view text) const {
  return engine_->expression.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), RE2::UNANCHORED, nullptr,
                                   0);
}

std::size_t Pattern::states() const { return static_cast<std::size_t>(engine_->expression.ProgramSize()); }

std::size_t Pattern::cost(std::size_t bytes) const {
  return 1 + bytes * std::min(states(), max_states_alive) / states_a_step;
}

}  // namespace callgate::schema
