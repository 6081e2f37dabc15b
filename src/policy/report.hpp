#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/yaml.hpp"

namespace callgate::policy {

/// Collects what is wrong with one file, so that all of it is said at once.
class Report {
 public:
  explicit Report(std::string_view file, std::string_view text = {}) : file_(file), text_(text) {}

  void fault(yaml::Mark mark, std::string message, ErrorKind kind = ErrorKind::invalid) {
    faults_.push_back({mark, {kind, std::move(message), yaml::where(file_, mark)}});
  }
  void warn(yaml::Mark mark, std::string message) {
    warnings_.push_back({mark, {ErrorKind::invalid, std::move(message), yaml::where(file_, mark)}});
  }
  void adopt(std::vector<Error> faults);  ///< those of the YAML reader
  bool has_faults() const { return !faults_.empty(); }
  std::string_view file() const { return file_; }
  std::string_view text() const { return text_; }  ///< of the whole file

  std::vector<Error> faults() { return in_order(faults_); }
  std::vector<Error> warnings() { return in_order(warnings_); }

 private:
  struct Entry {
    yaml::Mark mark;
    Error error;
  };
  static std::vector<Error> in_order(std::vector<Entry>& entries);

  std::string_view file_;
  std::string_view text_;
  std::vector<Entry> faults_;
  std::vector<Entry> warnings_;
};

}  // namespace callgate::policy
