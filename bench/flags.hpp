#pragma once

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace callgate::bench {

/// Command-line flags `--name=value`, `--name value` or bare `--name`, and the
/// command after `--`. A flag that the program does not know ends it with status
/// 2: a misspelt flag must not quietly measure something else.
class Flags {
 public:
  Flags(int argc, char** argv, std::initializer_list<std::string_view> valued,
        std::initializer_list<std::string_view> bare) {
    for (int i = 1; i < argc; ++i) {
      std::string_view word = argv[i];
      if (word == "--") {
        for (++i; i < argc; ++i) command_.emplace_back(argv[i]);
        return;
      }
      if (!word.starts_with("--")) usage(word);
      word.remove_prefix(2);
      const std::size_t equals = word.find('=');
      const std::string name(word.substr(0, equals));
      if (holds(bare, name) && equals == word.npos) {
        values_[name] = "1";
      } else if (holds(valued, name) && (equals != word.npos || i + 1 < argc)) {
        values_[name] = equals != word.npos ? std::string(word.substr(equals + 1)) : std::string(argv[++i]);
      } else {
        usage(argv[i]);
      }
    }
  }

  [[nodiscard]] bool has(const std::string& name) const { return values_.contains(name); }
  [[nodiscard]] std::string text(const std::string& name, std::string fallback = {}) const {
    const auto found = values_.find(name);
    return found == values_.end() ? fallback : found->second;
  }
  [[nodiscard]] double number(const std::string& name, double fallback) const {
    return has(name) ? std::strtod(values_.at(name).c_str(), nullptr) : fallback;
  }
  [[nodiscard]] std::size_t count(const std::string& name, std::size_t fallback) const {
    return has(name) ? std::strtoull(values_.at(name).c_str(), nullptr, 10) : fallback;
  }
  /// A comma-separated list.
  [[nodiscard]] std::vector<std::string> list(const std::string& name, const std::string& fallback) const {
    std::vector<std::string> out;
    const std::string all = text(name, fallback);
    for (std::size_t at = 0; at <= all.size();) {
      const std::size_t comma = std::min(all.find(',', at), all.size());
      out.push_back(all.substr(at, comma - at));
      at = comma + 1;
    }
    return out;
  }
  [[nodiscard]] const std::vector<std::string>& command() const { return command_; }

 private:
  static bool holds(std::initializer_list<std::string_view> names, std::string_view name) {
    for (const std::string_view each : names) {
      if (each == name) return true;
    }
    return false;
  }
  [[noreturn]] static void usage(std::string_view word) {
    std::cerr << "bench: unknown or incomplete flag `" << word << "` (see docs/benchmarks.md)\n";
    std::exit(2);
  }

  std::map<std::string, std::string> values_;
  std::vector<std::string> command_;
};

}  // namespace callgate::bench
