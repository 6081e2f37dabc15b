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

bool holds_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::ranges::any_of(parts, [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

bool refers_back(std::string_view text) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] != '\\') continue;
    if ((text[i + 1] >= '1' && text[i + 1] <= '9') || text.substr(i + 1).starts_with("k<")) return true;
    ++i;
  }
  return false;
}

/// What to write in place of what RE2 does not do.
std::string_view instead_of(std::string_view text) {
  if (holds_any(text, {"(?=", "(?!", "(?<=", "(?<!"}))
    return "look-ahead and look-behind have no linear-time form: put what must hold into a `pattern` of its own under `allOf`, what must not under `not`";
  if (refers_back(text)) return "back-references have no linear-time form: spell out what may stand there, as in `(a-a|b-b)`";
  return "write it in the syntax of RE2";
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
  if (!engine->expression.ok())
    return fail(ErrorKind::unsupported, fmt::format("{}; {}", engine->expression.error(), instead_of(text)));
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
