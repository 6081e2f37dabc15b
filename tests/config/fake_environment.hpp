#pragma once

#include <map>
#include <string>

#include "config/environment.hpp"

namespace callgate::config {

/// Variables and files that the test names.
class FakeEnvironment final : public Environment {
 public:
  std::map<std::string, std::string, std::less<>> variables{{"HOME", "/home/me"}, {"TOKEN", "s3cret"}};
  std::map<std::string, std::string, std::less<>> files;

  std::optional<std::string> variable(std::string_view name) const override {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  }
  Result<std::string> file(const std::filesystem::path& path) const override {
    const auto found = files.find(path.string());
    if (found == files.end()) return fail(ErrorKind::not_found, "cannot open `" + path.string() + "`");
    return found->second;
  }
};

}  // namespace callgate::config
