#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "classify/lexicon.hpp"

/// Reads the tables of `data/classify/`: one row a line, columns between tabs,
/// `#` begins a comment line. Each file says in its first lines what its
/// columns are.
namespace callgate::classify {

class TableReader {
 public:
  explicit TableReader(Lexicon& out) : out_(out) {}

  /// By its name: `verbs`, `nouns`, `phrases`, `arguments`, `commands`, `rules`, `confidence`.
  void read(const TableText& table);
  /// Ties what the tables say of each other. To be called once, at the end.
  void finish();

 private:
  using Columns = std::span<const std::string_view>;
  void read_row(std::string_view table, Columns columns);
  void read_verbs(Columns columns);
  void read_nouns(Columns columns);
  void read_phrase(Columns columns);
  void read_arguments(Columns columns);
  void read_rule(Columns columns);

  void add_verb(std::string_view word, std::uint8_t kind);
  void add_form(std::string_view form, std::uint16_t verb, Form how);
  void add_noun(std::string_view word, std::uint8_t family);
  void add_steps(Phrase phrase, std::span<const std::string_view> words);
  std::vector<std::uint16_t> forms_of(std::string_view alternatives);
  std::uint16_t id_of(std::string_view form);
  Feature interned(std::string_view feature);
  std::string_view known_family_fault(std::string_view feature) const;
  void check_features();
  void fault(std::string_view what, std::string_view item);

  Lexicon& out_;
  std::string at_;  ///< table and line, for faults
  std::vector<Entry*> by_id_;  ///< where each form's entry stands; the map never moves them
  TextMap<std::uint16_t> lemmas_;
  TextMap<std::uint16_t> noun_places_;
};

}  // namespace callgate::classify
