#include "classify/lexicon.hpp"

#include "base/sha256.hpp"
#include "classify/table_reader.hpp"

namespace callgate::classify {

Lexicon::Lexicon() : Lexicon(built_in_tables()) {}

Lexicon::Lexicon(const std::vector<TableText>& tables) {
  std::string all;
  TableReader reader(*this);
  for (const TableText& table : tables) {
    all.append(table.name).append("\n").append(table.text);
    reader.read(table);
  }
  reader.finish();
  hash = sha256_hex(all).substr(0, 12);
}

const Noun* Lexicon::compound(std::string_view words) const {
  const auto found = compounds_.find(words);
  return found == compounds_.end() ? nullptr : &nouns[found->second];
}

const ArgumentName* Lexicon::argument(std::string_view words) const {
  const auto found = arguments_.find(words);
  return found == arguments_.end() ? nullptr : &found->second;
}

std::string_view Lexicon::command(std::string_view lower) const {
  const auto found = commands_.find(lower);
  return found == commands_.end() ? std::string_view{} : found->second;
}

Feature Lexicon::feature(std::string_view name) const {
  const auto found = features_.find(name);
  return found == features_.end() ? no_feature : found->second;
}

}  // namespace callgate::classify
