#include "cli/recorded_calls.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <set>

#include "audit/reader.hpp"
#include "audit/search.hpp"
#include "base/json.hpp"

namespace callgate::cli {
namespace {

int digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  if (at + count <= text.size()) std::from_chars(text.data() + at, text.data() + at + count, value);
  return value;
}

/// Of a time as records write it (`2026-11-23T05:35:13.123Z`).
std::int64_t unix_ms(std::string_view time) {
  using namespace std::chrono;
  const year_month_day date{year(digits(time, 0, 4)), month(static_cast<unsigned>(digits(time, 5, 2))), day(static_cast<unsigned>(digits(time, 8, 2)))};
  if (!date.ok()) return 0;
  const auto of_day = hours(digits(time, 11, 2)) + minutes(digits(time, 14, 2)) + seconds(digits(time, 17, 2)) + milliseconds(digits(time, 20, 3));
  return duration_cast<milliseconds>(sys_days(date).time_since_epoch() + of_day).count();
}

generate::RecordedCall call_of(const audit::Entry& entry, json::Value record) {
  generate::RecordedCall call{.tool = entry.tool, .session = audit::text_of(record, "session"), .at_ms = unix_ms(entry.time)};
  const auto keys = record.find("arg_keys");
  if (!keys || !keys->is_array()) return call;
  for (const json::Value each : keys->elements()) {
    if (each.is_string()) call.arguments.push_back(each.string());
  }
  return call;
}

}  // namespace

Result<RecordedCalls> recorded_calls(const std::string& folder, std::string_view server) {
  auto found = audit::search(folder, {.verdict = policy::Verdict::allow});
  if (!found) return std::unexpected(found.error());
  RecordedCalls recorded;
  std::set<std::string> others;
  for (const audit::Entry& entry : found->entries) {
    if (entry.kind != audit::Entry::Kind::call || entry.method != "tools/call") continue;
    if (entry.server != server) {
      others.insert(entry.server);
      continue;
    }
    const auto document = json::OwnedDocument::parse(entry.line);
    if (document) recorded.calls.push_back(call_of(entry, (*document)->root()));
  }
  recorded.other_servers.assign(others.begin(), others.end());
  return recorded;
}

}  // namespace callgate::cli
