#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

/// How the API has a policy drafted and put in force; `cli` connects it to the
/// generator, the pins and the policy files.
namespace callgate::admin {

/// What a draft was made from. Where either is another by now, the draft speaks
/// of tools or of a policy that nobody compared it with.
struct DraftBase {
  std::string policy;  ///< content hash of the server's policy file
  std::string tools;   ///< digest of the pinned definitions
};

/// A test that the draft carries, and whether it holds.
struct DraftTest {
  std::string call;     ///< what is called, for people
  std::string verdict;  ///< what the draft expects
  bool held = false;
};

/// A policy that nobody has put in force.
struct PolicyDraft {
  std::string server;
  std::string made_by;                ///< `grammar` or `model`
  std::string text;                   ///< YAML; empty where none could be made
  std::vector<std::string> faults;    ///< why it must not be applied; empty: it may
  std::vector<std::string> findings;  ///< what a person should know besides
  std::vector<std::string> changes;   ///< one line for each kind of call that would be judged otherwise, and for each part of the policy in force that goes
  std::string effect;                 ///< what it lets pass, in one sentence
  std::vector<DraftTest> tests;
  DraftBase base;
};

class PolicyDrafter {
 public:
  using Done = std::function<void(PolicyDraft)>;
  virtual ~PolicyDrafter() = default;

  /// Begins to draft what a sentence asks for. `done` is called once, later, on the
  /// thread of the API; never where the process ends before. Errors: `not_found`
  /// (no such server), `conflict` (no tools of it are pinned), `unavailable` (store).
  virtual Result<void> begin(std::string_view server, std::string wish, Done done) = 0;

  /// Writes a draft without faults in the place of the server's policy, which is in
  /// force when this returns. Answers its content hash. Errors: `conflict` where the
  /// policy, or the tools, are others than those of `draft.base`, or somebody else's
  /// policy stands in the same file; `refused`, `unavailable` where the file cannot be written.
  virtual Result<std::string> apply(const PolicyDraft& draft) = 0;
};

}  // namespace callgate::admin
