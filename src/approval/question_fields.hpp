#pragma once

#include <optional>
#include <string>
#include <vector>

#include "approval/question.hpp"
#include "net/redis_protocol.hpp"

/// Questions as the fields of a server's hash, and back.
namespace callgate::approval {

/// Adds each field's name and its text.
void append_fields(std::vector<std::string>& out, const Question& question);

/// The approval of a hash's names and texts; nothing where the hash is not there.
/// Fields that are not known are left out: another version may keep more.
std::optional<Approval> read_fields(std::string id, const net::RedisReply& fields);

/// Names a binding: two that differ in any member differ in this.
std::string digest_of(const Binding& binding);

}  // namespace callgate::approval
