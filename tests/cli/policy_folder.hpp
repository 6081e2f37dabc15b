#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/remove_folder.hpp"
#include "cli/exit.hpp"
#include "cli/policy_files.hpp"

/// A folder of policy files and a command to run in it.
namespace callgate::cli {

class PolicyFolder {
 public:
  using Command = Exit (*)(std::span<const std::string_view>, Colour, std::ostream&, std::ostream&);

  explicit PolicyFolder(Command command) : command_(command) {
    std::string name = (std::filesystem::temp_directory_path() / "callgate-policy-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
    path_ = name;
  }
  ~PolicyFolder() { remove_folder(path_); }
  PolicyFolder(const PolicyFolder&) = delete;
  PolicyFolder& operator=(const PolicyFolder&) = delete;

  std::string file(std::string_view name, std::string_view text, std::filesystem::perms mode = std::filesystem::perms{0600}) const {
    const std::filesystem::path path = path_ / name;
    std::ofstream(path) << text;
    std::filesystem::permissions(path, mode);
    return path.string();
  }
  std::string path(std::string_view name) const { return (path_ / name).string(); }

  Exit run(std::vector<std::string_view> args, Colour colour = Colour::off) {
    out_.str("");
    err_.str("");
    return command_(args, colour, out_, err_);
  }
  /// What the last run wrote, the folder's name left out.
  std::string out() const { return short_names(out_.str()); }
  std::string err() const { return short_names(err_.str()); }

 private:
  std::string short_names(std::string text) const {
    const std::string folder = path_.string() + "/";
    for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder)) text.erase(at, folder.size());
    return text;
  }

  Command command_;
  std::filesystem::path path_;
  std::ostringstream out_;
  std::ostringstream err_;
};

inline constexpr std::string_view good_policy = R"(callgate: 1
default: deny
tools:
  read: {action: allow}
  write: {action: allow, arguments: {required: [key]}}
  drop: {action: require_approval, reason: it is gone then}
expect:
  - {call: {tool: read}, verdict: allow, rule: /tools/read}
  - {call: {tool: write}, verdict: invalid_arguments}
)";

inline constexpr std::string_view good_tools =
    R"({"server":"s","tools":[{"name":"read"},{"name":"write","inputSchema":{"type":"object","properties":{"key":{"type":"string"}}}},{"name":"drop"}]})";

}  // namespace callgate::cli
