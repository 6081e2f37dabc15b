#include "base/secret_names.hpp"

#include <algorithm>

#include "base/letters.hpp"
#include "base/rows.hpp"

namespace callgate {
namespace {

constexpr std::size_t longest_name = 128;
constexpr std::size_t shortest_rest = 8;  ///< of a secret behind its beginning

constexpr std::array built_in_tables = std::to_array<BuiltInTable>({
#include CALLGATE_BASE_TABLES
});

/// The letters and digits of a name, small, and where its words begin: behind
/// whatever is neither, and at a large letter behind a small one or before one.
struct Folded {
  std::array<char, longest_name> letters{};
  std::array<bool, longest_name + 1> begins{};
  std::size_t size = 0;

  explicit Folded(std::string_view name) {
    bool apart = true;
    for (std::size_t i = 0; i < name.size(); ++i) {
      const char c = name[i];
      if (!is_digit(c) && !is_small(c) && !is_large(c)) {
        apart = true;
        continue;
      }
      const bool hump =
          is_large(c) && i > 0 && (is_small(name[i - 1]) || (i + 1 < name.size() && is_small(name[i + 1])));
      begins[size] = apart || hump;
      letters[size++] = static_cast<char>(is_large(c) ? c | 0x20 : c);
      apart = false;
    }
    begins[size] = true;
  }
  std::string_view from(std::size_t at) const { return {letters.data() + at, size - at}; }
};

}  // namespace

const SecretNames& SecretNames::built_in() {
  static const SecretNames made;
  return made;
}

SecretNames::SecretNames() {
  for (const Row& row : rows_of(text_of_table(built_in_tables, "secrets"))) {
    for (std::string_view names = row.at(1); !names.empty();) {
      const std::size_t end = std::min(names.find(' '), names.size());
      if (row.at(0) == "value") {
        beginnings_.push_back(names.substr(0, end));
        names.remove_prefix(std::min(end + 1, names.size()));
        continue;
      }
      const Entry entry{.text = names.substr(0, end),
                        .is_word = row.at(0) == "word",
                        .keeps = row.at(0) == "text" ? KeptBack::text : KeptBack::all};
      entries_[static_cast<unsigned char>(entry.text.front()) & 0x7fU].push_back(entry);
      names.remove_prefix(std::min(end + 1, names.size()));
    }
  }
}

KeptBack SecretNames::of(std::string_view name) const {
  if (name.size() > longest_name) return KeptBack::all;
  const Folded folded(name);
  KeptBack kept = KeptBack::nothing;
  for (std::size_t at = 0; at < folded.size; ++at) {
    for (const Entry& entry : entries_[static_cast<unsigned char>(folded.letters[at])]) {
      if (!folded.from(at).starts_with(entry.text)) continue;
      if (entry.is_word && !(folded.begins[at] && folded.begins[at + entry.text.size()])) continue;
      kept = std::max(kept, entry.keeps);
    }
  }
  return kept;
}

bool SecretNames::begins_as_secret(std::string_view word) const {
  return std::ranges::any_of(beginnings_, [word](std::string_view each) {
    return word.size() >= each.size() + shortest_rest && word.starts_with(each);
  });
}

}  // namespace callgate
