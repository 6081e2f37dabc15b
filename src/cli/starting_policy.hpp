#pragma once

#include <ostream>
#include <string>

#include "base/error.hpp"
#include "config/run_flags.hpp"
#include "store/store.hpp"

/// Policies for servers that nobody named one for: made from the tools that the server
/// lists, printed, and kept in DATA/policies for the starts that follow, where they may
/// be edited. One belongs to the server's name and address. No tool is called, and a
/// file that is there is never replaced.
namespace callgate::cli {

/// Whether these flags name a server and no policy for it.
bool needs_starting_policy(const config::RunFlags& flags);

/// The file of the policy that a start by flags runs under; the server is asked for its
/// tools first where there is none. What is made is printed on `err`.
/// Errors: `unavailable` where the server or the data folder cannot be had;
/// `refused` where the server lists no tool that a rule can be made for.
Result<std::string> starting_policy(const config::Config& config, std::ostream& err);

/// Says of each server of the file that names no policy where its own is, or will be.
void place_starting_policies(config::Config& config);

/// A policy that was made and written.
struct MadePolicy {
  std::string text;
  std::string effect;  ///< one sentence: how many tools may be called
};

/// Makes the policy of a server that `place_starting_policies` placed from the tools that
/// are pinned of it, and writes it. Errors: `conflict` where there is one by now;
/// `refused` where no rule can be made; those of the store and of files.
Result<MadePolicy> make_starting_policy(const config::Server& server, store::Store& store);

}  // namespace callgate::cli
