#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/yaml.hpp"

/// A file of YAML taken apart by its lines, so that one value can be replaced and
/// everything else keeps its words, comments among them. Pure.
namespace callgate::generate {

/// The entries of a mapping or a list in block form: whole lines each, with the comments that follow them.
struct YamlPieces {
  struct Piece {
    std::string key;  ///< empty in a list
    std::string text;
  };
  std::string head;  ///< what stands before the first entry
  std::vector<Piece> entries;
  std::string tail;  ///< blank lines and comments that belong to what follows
  std::size_t indent = 0;

  Piece* find(std::string_view key);
  std::string text() const;
};

/// Takes `text`, in which `node` stands, apart; `first_line` is the number of its first line in
/// the file. Nothing where the entries do not stand on lines of their own (flow form, aliases).
std::optional<YamlPieces> yaml_pieces(std::string_view text, const yaml::Node& node, std::size_t first_line);

/// The subtree in flow form; empty where it holds what readers of YAML disagree on.
std::string yaml_flow(const yaml::Node& node);
/// The same as JSON text.
std::string json_of(const yaml::Node& node);

}  // namespace callgate::generate
