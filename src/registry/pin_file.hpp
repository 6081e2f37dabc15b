#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "store/rows.hpp"

namespace callgate::registry {

/// Reviewed definitions in version control (`pins:` of a server):
/// `{"callgate_pins": 1, "server": NAME, "lists": [{"address"?, "era"?, "tools": [DEFINITION…]}]}`.
/// A list without `address` or `era` holds for every one. What the file does
/// not hold is unknown. Fingerprints are computed, so the text that was reviewed
/// is the text that counts.
class PinFile {
 public:
  /// `file` names it in messages. Errors: `malformed`, `invalid`.
  static Result<PinFile> parse(std::string_view text, std::string_view file);

  /// The definitions of the first list that fits the key.
  std::span<const store::Definition> definitions(const store::ListKey& key) const;
  /// Whether a list fits the key, though it may be an empty one.
  bool has_list(const store::ListKey& key) const { return find(key) != nullptr; }
  /// The definitions of the lists that would fit the key if it were of their era.
  std::vector<store::Definition> definitions_of_other_eras(const store::ListKey& key) const;

 private:
  struct List {
    std::optional<std::string> address;
    std::optional<std::string> era;
    std::vector<store::Definition> definitions;
  };
  bool is_of(const List& list, const store::ListKey& key) const;
  const List* find(const store::ListKey& key) const;

  std::string server_;
  std::vector<List> lists_;
};

/// The file's text for these lists, indented for review, tools by name.
struct PinnedLists {
  store::ListKey key;
  std::vector<store::Definition> definitions;
};
std::string pin_file_text(std::string_view server, std::span<const PinnedLists> lists);

}  // namespace callgate::registry
