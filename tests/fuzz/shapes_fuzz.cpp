// Shapes of arguments: words of any kind, and any definition with any arguments. What is read was written so; what is
// written can be read, is bounded, holds the value it was made of, and names nothing that the definition does not.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "audit/shaper.hpp"
#include "base/decimal.hpp"

namespace {

using namespace callgate;

void must(bool holds) {
  if (!holds) std::abort();
}

void check_words(std::string_view words) {
  const auto shape = audit::read_shape(words);
  if (!shape) return;
  std::string again;
  audit::append_words(again, *shape);
  must(again == words && again.size() <= audit::longest_shape);
}

void check_value(json::Value value) {
  const audit::Shape shape = audit::shape_of(value);
  std::string words;
  audit::append_words(words, shape);
  must(words.size() <= audit::longest_shape && audit::read_shape(words) == shape);
  if (value.is_number()) {
    const auto number = Decimal::parse(value.text());
    if (!number) return;
    must(!shape.least || *number >= Decimal(*shape.least));
    must(!shape.most || *number <= Decimal(*shape.most));
    must((shape.kind == audit::Shape::Kind::integer) == number->is_integer());
  }
  if (value.is_string()) {
    std::int64_t characters = 0;
    for (const char c : value.string()) characters += (static_cast<unsigned char>(c) & 0xc0U) != 0x80U ? 1 : 0;
    must(characters >= *shape.least && (!shape.most || characters <= *shape.most));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_words(text);
  // A definition, a line feed, arguments.
  const std::size_t cut = text.find('\n');
  if (cut == std::string_view::npos) return 0;
  json::Document arguments;
  if (!json::parse(text.substr(cut + 1), {.check_number_range = false}, arguments)) return 0;
  check_value(arguments.root());
  if (!arguments.root().is_object()) return 0;
  for (const json::Member member : arguments.root().members()) check_value(member.value);
  audit::Shaper shaper;
  const std::string shapes(shaper.shapes_of("one", text.substr(0, cut), arguments.root()));
  must(shapes == shaper.shapes_of("one", text.substr(0, cut), arguments.root()));
  must(shapes.size() <= audit::Shaper::max_bytes);
  json::Document document;
  must(json::parse(shapes, {}, document).has_value() && document.root().size() <= audit::Shaper::max_entries);
  for (const json::Member member : document.root().members()) {
    check_words(member.value.string());
    must(audit::read_shape(member.value.string()).has_value());
  }
  return 0;
}
