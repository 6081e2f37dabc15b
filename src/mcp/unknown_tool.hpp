#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

/// How a server answers for a tool that it does not have, learned from its
/// answer to a call of a random name, so that a hidden tool and one that does
/// not exist cannot be told from each other. Values; pure; any thread.
namespace callgate::mcp {

class UnknownToolAnswer {
 public:
  /// The answer where none was learned: −32602 `Unknown tool: <name>`.
  UnknownToolAnswer() = default;

  /// Learns from the message that answered a call of `probe_name` with the id
  /// `probe_id` (as written). The name must be long and random: wherever it
  /// stands in the answer, the name of the unknown tool will stand.
  /// Errors: those of read_message; `invalid` where it answers another id.
  static Result<UnknownToolAnswer> learn(std::string_view answer, std::string_view probe_name, std::string_view probe_id);

  /// Whether the server ran the probe all the same: what it answered is neither marked as an error nor says
  /// that there is no such tool. render() then gives the standard answer.
  bool server_runs_anything() const { return ran_; }
  bool is_learned() const { return !answer_.empty() && !ran_; }

  /// The answer for this tool to the call with this id.
  std::string render(std::string_view name, std::string_view id_text) const;

  /// One JSON text to keep with the pins, and back. Empty text gives the standard answer.
  std::string stored() const;
  static Result<UnknownToolAnswer> from_stored(std::string_view text);

 private:
  std::string answer_;
  std::string probe_name_;
  std::string probe_id_;
  bool ran_ = false;
};

}  // namespace callgate::mcp
