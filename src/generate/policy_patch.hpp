#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/yaml.hpp"
#include "generate/rule_body.hpp"
#include "generate/yaml_pieces.hpp"

namespace callgate::generate {

/// A policy file with other rules and tests in it. Everything else stays as it is, comments
/// too where the lines come apart. What it is made of must outlive it.
class PolicyPatch {
 public:
  using Bodies = std::vector<std::pair<std::string, RuleBody>>;  ///< tools and their rules from now on
  /// `file` is what `text` reads as; `heading` becomes a comment above it.
  PolicyPatch(std::string_view text, const yaml::Node& file, const Bodies& bodies, std::string_view heading) : text_(text), file_(file), bodies_(bodies), heading_(heading) {}

  /// `keeps` says of each test that is there whether it stays; `tests` are further ones.
  /// Where the lines do not come apart it is written anew, without its comments.
  std::string write(const std::vector<bool>& keeps, const std::string& tests, bool& comments_kept) const;
  /// Whether everything that was not to be changed says what it said.
  bool same(std::string_view text) const;

 private:
  std::string heading_text() const;
  const RuleBody* body_of_tool(std::string_view tool) const;
  std::string spliced(const std::vector<bool>& keeps, const std::string& tests) const;
  void replace_tools(YamlPieces::Piece& piece, const yaml::Member& member) const;
  void replace_tests(YamlPieces::Piece& piece, const yaml::Member& member, const std::vector<bool>& keeps, const std::string& tests) const;
  std::string new_rules(std::size_t indent) const;
  std::string rules_anew(const yaml::Node& old) const;
  std::string anew(const std::vector<bool>& keeps, const std::string& tests) const;

  std::string_view text_;
  const yaml::Node& file_;
  const Bodies& bodies_;
  std::string_view heading_;
};

}  // namespace callgate::generate
