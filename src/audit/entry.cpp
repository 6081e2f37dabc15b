#include "audit/entry.hpp"

#include "audit/reader.hpp"

namespace callgate::audit {
namespace {

bool is_of_grant(json::Value record, const std::string& id_or_name) {
  const std::string id = text_of(record, "grant");
  // Without a grant the principal is nobody's name.
  return id == id_or_name || (!id.empty() && text_of(record, "principal") == id_or_name);
}

}  // namespace

Entry read_entry(json::Value root, std::string_view line) {
  Entry entry{.time = text_of(root, "time"),
              .id = text_of(root, "id"),
              .server = text_of(root, "server"),
              .tool = text_of(root, "tool"),
              .method = text_of(root, "method"),
              .verdict = text_of(root, "verdict"),
              .rule = text_of(root, "rule"),
              .reason = text_of(root, "reason"),
              .line = std::string(line)};
  if (!entry.verdict.empty()) return entry;
  if (root.find("refused")) {
    entry.kind = Entry::Kind::refused;
    entry.reason = text_of(root, "refused");
    entry.tool = text_of(root, "method");
  } else if (root.find("internal")) {
    entry.kind = Entry::Kind::internal;
    entry.tool = text_of(root, "internal");
  } else if (const auto removed = root.find("removed")) {
    entry.kind = Entry::Kind::removed;
    entry.reason = "segments up to " + std::to_string(number_of(*removed, "segment")) + " of " + text_of(*removed, "instance");
  } else {
    entry.kind = root.find("gap") ? Entry::Kind::gap : Entry::Kind::checkpoint;
  }
  return entry;
}

Entry::Outcome read_outcome(json::Value outcome, std::string_view line) {
  const std::optional<json::Value> failed = outcome.find("is_error");
  return {.status = text_of(outcome, "status"),
          .is_error = failed && failed->is_boolean() && failed->boolean(),
          .bytes = number_of(outcome, "bytes"),
          .latency_us = number_of(outcome, "latency_us"),
          .line = std::string(line)};
}

bool fits(const Query& query, const Entry& entry, json::Value root) {
  const bool shown = entry.kind == Entry::Kind::call || entry.kind == Entry::Kind::refused;
  if (!shown && !query.everything) return false;
  if (query.verdict && entry.verdict != policy::word(*query.verdict)) return false;
  return (query.tool.empty() || (entry.kind == Entry::Kind::call && entry.tool == query.tool)) &&
         (query.server.empty() || entry.server == query.server) && (query.id.empty() || entry.id == query.id) &&
         (query.trace.empty() || text_of(root, "trace") == query.trace) && entry.time >= query.since && (query.grant.empty() || is_of_grant(root, query.grant));
}

}  // namespace callgate::audit
