#pragma once

#include <filesystem>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace callgate::admin {

/// The operator's token in `folder`/admin.token: read, or made (32 random bytes
/// as base64url, 0600) when there is none yet. Of several processes that start
/// at once, one makes it and all read the same.
/// Errors: `unavailable` (folder or file cannot be read or written), `refused`
/// (others than the owner may read the file, it is no regular file, or belongs
/// to somebody else), `invalid` (too short to be a token), each with its remedy.
Result<Secret> load_or_make_token(const std::filesystem::path& folder);

}  // namespace callgate::admin
