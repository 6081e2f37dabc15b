#pragma once

#include "gateway/world.hpp"

namespace callgate::gateway {

/// A gate whose questions are waited for by tasks of its own.
class OwnTasksWorld : public World {
 protected:
  static constexpr const char* asks = "callgate: 1\ndefault: allow\ntools:\n  write: {action: require_approval, reason: money moves}\n";

  void begin_with(const std::string& policy = asks) {
    approval_url = [](std::string_view id) { return "http://127.0.0.1:9/approve/" + std::string(id); };
    start(policy);
  }
  static bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
  /// The value of a string as it is written there.
  static std::string member(const std::string& body, const std::string& name) {
    const std::size_t at = body.find('"' + name + R"(":")");
    if (at == std::string::npos) return {};
    const std::size_t from = at + name.size() + 4;
    return body.substr(from, body.find('"', from) - from);
  }
  std::string waiting_id() {
    const auto list = desk->list(approval::State::waiting);
    return list.empty() ? std::string() : list.front()->id;
  }
  void decide(approval::Answer how, const std::string& reason = {}) {
    ASSERT_TRUE(desk->answer(waiting_id(), how, "operator", reason, approval::Moment::of(clock)).has_value());
  }
  void approve() { decide(approval::Answer::yes); }
  int next_id() { return ++ids_; }

 private:
  int ids_ = 100;
};

}  // namespace callgate::gateway
