#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A page before it is HTML: texts and their order, no mark-up. Every text may
/// come from a server; only renderers turn it into anything.
namespace callgate::catalogue {

/// A piece of a line.
struct Inline {
  enum class Kind : std::uint8_t { text, code, quote, link, badge };
  Kind kind = Kind::text;
  std::string text;
  std::string address;  ///< of a link: our own, never made from a server's text; of a badge its class
};
using Line = std::vector<Inline>;

inline Inline text(std::string_view t) { return {Inline::Kind::text, std::string(t), {}}; }
inline Inline code(std::string_view t) { return {Inline::Kind::code, std::string(t), {}}; }
inline Inline quote(std::string_view t) { return {Inline::Kind::quote, std::string(t), {}}; }
inline Inline link(std::string_view t, std::string address) { return {Inline::Kind::link, std::string(t), std::move(address)}; }

/// What a search finds a row of a table by, beside what stands in it.
struct Found {
  std::string words;    ///< hostile
  std::string signals;  ///< our own words, blanks between them
  std::string state;    ///< our own word; empty: not known
};

struct Block {
  enum class Kind : std::uint8_t { paragraph, heading, list, steps, facts, table, snippet, fold };
  Kind kind = Kind::paragraph;
  Line line;                             ///< of a paragraph or heading; the summary of a fold
  std::vector<Line> items;               ///< of a list
  std::vector<std::string> columns;      ///< of a table
  std::vector<std::vector<Line>> rows;   ///< of a table; of facts: name and value
  std::vector<Found> found;              ///< of a table that is searched: one of each row
  bool sortable = false;                 ///< a reader may have the rows of a table in another order
  std::string snippet;                   ///< text whose line breaks stay
  std::vector<Block> blocks;             ///< of a fold
};

inline Block paragraph(Line line) { return {.kind = Block::Kind::paragraph, .line = std::move(line)}; }
inline Block list(std::vector<Line> items) { return {.kind = Block::Kind::list, .items = std::move(items)}; }
inline Block snippet(std::string_view text) { return {.kind = Block::Kind::snippet, .snippet = std::string(text)}; }
inline Block fold(Line summary, std::vector<Block> blocks) { return {.kind = Block::Kind::fold, .line = std::move(summary), .blocks = std::move(blocks)}; }

struct Section {
  std::string id;       ///< our own word
  std::string heading;
  std::vector<Block> blocks;
};

struct Page {
  std::string title;        ///< of the window
  std::string root;         ///< address of the catalogue's folder from here: empty, or `../`
  std::vector<std::pair<std::string, std::string>> path;  ///< text and address of what is above, and the page itself without one
  Line heading;
  Line badges;
  std::vector<Block> lead;
  std::vector<Section> sections;
  std::vector<Line> foot;
  bool searchable = false;  ///< its tables are searched by the script
};

}  // namespace callgate::catalogue
