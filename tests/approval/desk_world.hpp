#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "approval/desk.hpp"

namespace callgate::approval {

/// A desk with hands on both of its clocks, and a diary of what callers hear.
struct World {
  explicit World(Limits limits = {})
      : desk([this](std::int64_t) { return fmt::format("01ARZ3NDEKTSV4RRFFQ69G{:04}", ++ids); }, limits) {}

  static Question question(std::string_view tool = "valkey_write", std::string_view arguments = R"({"key":"a"})",
                           std::string_view grant = "g1") {
    return {.binding = {.grant = std::string(grant),
                        .session = {},
                        .server = "valkey",
                        .address = "uvx awslabs.valkey-mcp-server",
                        .tool = std::string(tool),
                        .args_digest = std::string(arguments),
                        .definition = "sha256:d1",
                        .rule_digest = "sha256:r1"},
            .arguments = std::string(arguments),
            .bytes = {},
            .session = "s1",
            .rule = "/tools/valkey_write",
            .reason = "writes need a look",
            .timeout = std::chrono::seconds(600)};
  }

  /// Asks and writes what the call hears into `heard` as "NAME word".
  Result<Asked> ask(Question each = question(), std::string name = "call") {
    return desk.ask(
        std::move(each),
        [this, name](const Approval& approval) { heard.push_back(fmt::format("{} {}", name, word(approval.state))); },
        now);
  }
  Result<Approval> yes(std::string_view id) { return desk.answer(id, Answer::yes, "operator", "fine", now); }
  Result<Approval> no(std::string_view id) { return desk.answer(id, Answer::no, "operator", "not today", now); }
  std::string state(std::string_view id) const {
    const Approval* approval = desk.find(id);
    return approval == nullptr ? "gone" : std::string(word(approval->state));
  }
  void pass(std::chrono::seconds span) {
    now.boot = now.boot + span;
    now.wall_ms += std::chrono::milliseconds(span).count();
    desk.expire(now);
  }

  int ids = 0;
  Moment now{.boot = BootTime{} + std::chrono::hours(1), .wall_ms = 1'800'000'000'000};
  std::vector<std::string> heard;
  Desk desk;
};

}  // namespace callgate::approval
