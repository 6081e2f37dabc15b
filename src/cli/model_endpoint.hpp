#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "config/environment.hpp"
#include "net/address.hpp"

namespace callgate::cli {

/// A chat endpoint of the common kind (`POST …/chat/completions`) that wishes are shown to.
struct ModelEndpoint {
  net::Url url;
  Secret key;         ///< sent as a bearer token; empty: none
  std::string model;  ///< empty: the endpoint chooses
  std::chrono::milliseconds patience{60'000};  ///< from connecting to the answer's last byte
};

/// Of CALLGATE_MODEL_URL, CALLGATE_MODEL_KEY and CALLGATE_MODEL_NAME; nothing where no
/// URL is set, and then nothing is ever sent. Errors: `invalid`: no http or https URL, a
/// key that no header can hold, a key that would go over a network in the clear.
Result<std::optional<ModelEndpoint>> model_endpoint(const config::Environment& environment);

/// Sends one request and reads its whole answer, on a loop of its own. No redirect is
/// followed, nothing is sent twice. Errors say what happened in words that hold neither
/// the key nor a byte of the answer. Threads: any; `stop` ends it early.
Result<std::string> ask_model(const ModelEndpoint& endpoint, const std::string& body, const std::stop_token& stop = {});

}  // namespace callgate::cli
