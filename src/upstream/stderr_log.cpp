#include "upstream/stderr_log.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/credentials.hpp"

namespace callgate::upstream {

StderrLog::StderrLog(Log& log, std::string server, std::vector<Secret> secrets) : log_(log), server_(std::move(server)), secrets_(std::move(secrets)) {
  std::erase_if(secrets_, [](const Secret& secret) { return secret.reveal().size() < shortest_secret; });
  // One may be a part of another: the whole goes first.
  std::ranges::sort(secrets_, std::ranges::greater{}, [](const Secret& secret) { return secret.reveal().size(); });
}

std::string StderrLog::masked(std::string_view text) const {
  std::string shown(text);
  for (const Secret& secret : secrets_) {
    const std::string_view value = secret.reveal();
    for (std::size_t at = shown.find(value); at != std::string::npos; at = shown.find(value, at + 3)) shown.replace(at, value.size(), "***");
  }
  return mask_credentials(shown).text;
}

std::string StderrLog::take(std::string_view line, net::Instant now) {
  // Masked before it is cut: the rest of a secret is one as well. A line without end costs no more than a long one.
  std::string text = masked(line.substr(0, looked_at));
  if (line.size() > looked_at) text.resize(std::min(text.find_last_of(" \t") + 1, text.size()));
  text.resize(std::min(text.size(), longest));
  if (line.find_first_not_of(" \t\r") != std::string_view::npos) say(text, now);
  return text;
}

void StderrLog::say(const std::string& text, net::Instant now) {
  free_at_ = std::max(free_at_, now);
  if (free_at_ - now > each * (at_once - 1)) {
    ++left_out_;
    return;
  }
  free_at_ += each;
  if (left_out_ == 0) return log_.info("upstream_stderr", {{"server", server_}, {"line", text}});
  log_.info("upstream_stderr", {{"server", server_}, {"line", text}, {"left_out", std::exchange(left_out_, 0)}});
}

}  // namespace callgate::upstream
