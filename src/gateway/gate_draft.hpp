#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/gate.hpp"

namespace callgate::gateway {

/// The parts of a record that are made for it; the record holds views of them.
struct Gate::Draft {
  Ulid id;
  policy::Action action = policy::Action::tool_call;  ///< what was judged
  std::string_view subject;  ///< tool, URI or prompt
  std::string canonical;     ///< the arguments in canonical form; empty where there are none to judge
  audit::DigestKey::Text digest{};
  bool has_digest = false;
  std::vector<std::string_view> arg_keys;
  std::string_view approval;
  std::vector<audit::LimitUse> limits;
};

/// One message to forward, and what was taken for it.
struct Gate::Exchange {
  audit::CallRecord record;
  std::string_view bytes;                 ///< as judged
  const mcp::Message* message = nullptr;
  std::string headers;                    ///< that mirror a modern body
  std::optional<limits::Taken> taken;     ///< its share of the limits
  /// Bytes that take the place of the client's, and what they read as.
  struct Own {
    std::string bytes;
    json::Document document;
    mcp::Message message;
  };
  std::unique_ptr<Own> own;
};

/// A person's yes that this call may use.
struct Gate::Yes {
  approval::Waiter waiter;
  std::string id;
  net::Instant until;  ///< how long the call may still be held if it has to ask anew
};

/// Hears the server while a call is under way.
class CallSink final : public upstream::Sink {
 public:
  CallSink(Gate& gate, Conversation& conversation, mcp::Revision revision, Channel* channel)
      : gate_(gate), conversation_(conversation), revision_(revision), channel_(channel) {}
  net::Task<bool> event(const upstream::Event& event) override {
    return gate_.from_server(conversation_, revision_, channel_, event);
  }

 private:
  Gate& gate_;
  Conversation& conversation_;
  mcp::Revision revision_;
  Channel* channel_;
};

/// Hears a child that speaks unasked: goes to the client's open stream.
class UnsolicitedSink final : public upstream::Sink {
 public:
  UnsolicitedSink(Gate& gate, Conversation& conversation) : gate_(gate), conversation_(conversation) {}
  net::Task<bool> event(const upstream::Event& event) override {
    return gate_.from_server(conversation_, conversation_.session.revision, conversation_.stream, event);
  }

 private:
  Gate& gate_;
  Conversation& conversation_;
};

/// What the agent reads of a refusal, in plain words.
std::string refusal_text(const policy::Decision& decision);

}  // namespace callgate::gateway
