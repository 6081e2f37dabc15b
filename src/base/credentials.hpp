#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Credentials in texts that leave the program: a server's command line or
/// address, and what it wrote on stderr. They go by their names (`--api-key X`,
/// `PASSWORD=X`, `Authorization: X`, `?token=X`), by their place (the user
/// information of a URL) and by their looks (beginnings of known tokens, long words of
/// letters and digits mixed). Rather too much is hidden than once too little. Names of files that
/// hold a credential and references such as `${TOKEN}` are shown. Pure; any thread.
namespace callgate {

/// What stands in the place of a credential.
inline constexpr std::string_view credential_mask = "***";

struct Masked {
  std::string text;
  std::vector<std::string> hidden;  ///< what is not in the text any more
};

/// Of a text of any kind. What is masked already stays as it is.
Masked mask_credentials(std::string_view text);
/// Of a program's arguments, a text each; the program's own name is shown.
std::vector<Masked> mask_arguments(std::span<const std::string> command);

}  // namespace callgate
