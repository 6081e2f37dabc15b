#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/yaml.hpp"

/// Typed reading of a YAML tree that gathers every fault instead of stopping at
/// the first. Used by the loader of `callgate.yaml` alone.
namespace callgate::config {

/// The faults of one file.
class Faults {
 public:
  explicit Faults(std::string file) : file_(std::move(file)) {}

  void add(yaml::Mark mark, std::string message, ErrorKind kind = ErrorKind::invalid);
  void add_all(std::vector<Error> faults);       ///< those of the YAML reader, placed already
  std::vector<Error> in_order() &&;              ///< by line and column
  const std::string& file() const { return file_; }

 private:
  std::string file_;
  std::vector<Error> first_;
  std::multimap<std::pair<std::uint32_t, std::uint32_t>, Error> placed_;  ///< by line and column
};

/// A value and its name in messages.
struct Field {
  const yaml::Node& node;
  std::string name;
  Faults& faults;

  yaml::Mark mark() const { return node.mark; }
  void fault(std::string message) const { faults.add(node.mark, std::move(message)); }
  /// "`name` must be <what>, not <what it is>".
  void wrong(std::string_view what) const;

  /// A text, also where it looks like a number: `args: [8080]`.
  std::optional<std::string> text() const;
  std::optional<bool> boolean() const;
  std::optional<std::chrono::milliseconds> duration(std::chrono::milliseconds least) const;
  std::optional<std::size_t> size(std::size_t least, std::size_t most) const;
  std::optional<std::size_t> count(std::size_t least, std::size_t most) const;
  /// The place of the word among `words`.
  std::optional<std::size_t> word(std::span<const std::string_view> words) const;
  /// A list of texts, or one text for a list of one where `single` says so.
  enum class Single : std::uint8_t { refused, allowed };
  void texts(Single single, const std::function<void(const Field&, std::string)>& each) const;
};

/// The members of a mapping, each taken once by its name; what nobody took is
/// an unknown key.
class Section {
 public:
  /// `known` are all keys that this page of the documentation has.
  Section(const Field& field, std::span<const std::string_view> known);

  std::optional<Field> take(std::string_view key) const;
  Faults& faults() const { return faults_; }
  bool has(std::string_view key) const { return node_.find(key) != nullptr; }
  std::optional<yaml::Mark> key_mark(std::string_view key) const;
  /// Reports a key that is known and that this version cannot do.
  void not_yet(std::string_view key) const;
  void not_yet(yaml::Mark mark, std::string_view what) const;

 private:
  const yaml::Node& node_;
  std::string prefix_;
  Faults& faults_;
};

}  // namespace callgate::config
