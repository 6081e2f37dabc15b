#pragma once

#include <span>
#include <string_view>

#include "base/json.hpp"
#include "classify/classification.hpp"

/// Names that are taken for one another: in one list, and in the lists that a
/// client joins. Linear in the lists. Threads: any.
namespace callgate::classify {

/// Tools of one list whose names differ in their bytes and look the same
/// (`look_alike_key`) get the signal `look_alike` with the other name as evidence,
/// and the highest risk among them: whichever is meant, the other may be called.
void compare_names(std::span<Classification> tools);

/// The tools of one server; `definitions` in the same order, and not too few.
struct ServerTools {
  std::string_view server;
  std::span<Classification> tools;
  std::span<const json::Value> definitions;
};

/// Tools of several servers, looked at together. The signal `shadows` goes to a tool
/// whose name is, or looks like, that of another server's tool, and to one whose
/// description names such a tool (of a name of several words that its own server
/// does not list). Classes stay as they are: they speak of one server's own list,
/// and are the same wherever that is judged.
void compare_servers(std::span<const ServerTools> servers);

}  // namespace callgate::classify
