#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "upstream/http_link.hpp"
#include "upstream/sse_link.hpp"

namespace callgate::upstream {

/// A session with a server over HTTP of which nobody knows yet which of the two
/// transports it speaks (2025-03-26 and later, basic/transports, "Backwards
/// compatibility"): its handshake is posted, and where that is refused with 400,
/// 404 or 405 the older transport is tried, once. Threads: the loop's.
class EitherLink final : public Link {
 public:
  struct Parts {
    std::function<std::unique_ptr<SseLink>()> make_sse;
    std::function<net::Task<Result<policy::Permit>>()> permit;  ///< for the second try, on record then
    std::function<void()> is_sse;                               ///< the server turned out to speak HTTP+SSE
  };
  EitherLink(std::unique_ptr<HttpLink> http, Parts parts) : http_(std::move(http)), parts_(std::move(parts)) {}

  void on_unsolicited(Sink* sink) override {
    unsolicited_ = sink;
    now().on_unsolicited(sink);
  }
  void agreed(std::string_view revision) override { now().agreed(revision); }
  bool alive() const override { return now().alive(); }
  bool has_stream() const override { return now().has_stream(); }
  bool hears_cancels() const override { return now().hears_cancels(); }

 protected:
  net::Task<Forwarded> transmit(Outbound out, Sink& sink) override;

 private:
  Link& now() const { return sse_ ? static_cast<Link&>(*sse_) : *http_; }
  net::Task<Forwarded> find_out(Outbound out, Sink& sink);

  const std::unique_ptr<HttpLink> http_;  ///< stays: what was sent by it may still be under way
  std::unique_ptr<SseLink> sse_;          ///< null: it is the other one, as far as is known
  const Parts parts_;
  bool known_ = false;
  Sink* unsolicited_ = nullptr;
};

}  // namespace callgate::upstream
