#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the classifier says of one tool: a value, complete enough to be shown
/// and checked without asking again. Every claim has quoted text behind it.
namespace callgate::classify {

/// The worst effect that an ordinary, documented call can have, mildest first.
enum class Category : std::uint8_t { read, write, execute, destructive, financial };

/// How bad a call can get, mildest first.
enum class Risk : std::uint8_t { low, medium, high, critical };

std::string_view word(Category category);  ///< `Read`, `Write`, …
std::string_view word(Risk risk);          ///< `Low`, `Medium`, …
std::optional<Category> category_of(std::string_view word);  ///< in any letter case
std::optional<Risk> risk_of(std::string_view word);          ///< in any letter case

/// What a quotation is for. `signal`: why a signal is there, which by itself makes no class; its rule is `signal/` and the signal.
enum class Claim : std::uint8_t { category, risk, signal };
std::string_view word(Claim claim);  ///< `category`, …

/// One quotation and what it was taken to say.
///
/// INVARIANT: `text` stands at bytes [start, end) of the value at `field`. For
/// a string value these are its unescaped bytes, for another scalar its JSON
/// text; where the pointer names an object or an array, the bytes are those of
/// the member's own name, which is the pointer's last part. `sibling:` names a
/// tool of the same list, `server:<name>/<tool>/name` one of another server.
struct Evidence {
  Claim claim = Claim::category;
  std::string field;  ///< JSON Pointer into the definition, `sibling:<name>/…` or `server:<name>/…`
  std::string text;
  std::uint32_t start = 0;
  std::uint32_t end = 0;
  std::string says;      ///< one clause for people
  std::string rule;      ///< which row of the tables said so
  bool against = false;  ///< weighed, and lost
};

/// One value of the argument that chooses between acts.
struct Mode {
  std::string value;
  Category category = Category::execute;
  Risk risk = Risk::high;
};

struct Modes {
  std::string argument;
  bool closed = false;  ///< the schema lets nothing else through; else these are examples
  std::vector<Mode> values;
};

/// What an operator says instead, and what was found.
struct Overridden {
  Category category = Category::execute;  ///< as judged
  Risk risk = Risk::high;                 ///< as judged
  std::string reason;
};

struct Classification {
  std::string tool;
  Category category = Category::execute;  ///< of what cannot be told
  Risk risk = Risk::high;
  double confidence = 0;  ///< how often answers on the same grounds are right in category; 0…1
  std::string grounds;    ///< what the category stands on: `name+text`, `name`, …
  std::vector<Evidence> evidence;
  std::vector<std::string> signals;  ///< sorted
  std::optional<Modes> modes;
  std::optional<Overridden> overridden;  ///< set: `category` and `risk` are an operator's
};

/// Below this the answer needs a person's eye.
inline constexpr double needs_a_look_below = 0.6;

/// The JSON object of one classification, keys in a fixed order, no line breaks.
std::string to_json(const Classification& tool, std::string_view server, std::string_view classifier);

}  // namespace callgate::classify
