#include "cli/recorded_calls.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <set>

#include "audit/line.hpp"
#include "audit/reader.hpp"
#include "audit/search.hpp"
#include "audit/shape.hpp"
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

/// A name as it is, where the call wrote it with escapes.
std::string name_of(const std::string& written) {
  if (written.find('\\') == std::string::npos) return written;
  const auto document = json::OwnedDocument::parse('"' + written + '"');
  return document ? (*document)->root().string() : written;
}

generate::Letters letters_of(audit::Letters letters) {
  switch (letters) {
    case audit::Letters::digits: return generate::Letters::digits;
    case audit::Letters::hex: return generate::Letters::hex;
    case audit::Letters::identifier: return generate::Letters::identifier;
    case audit::Letters::path: return generate::Letters::path;
    case audit::Letters::url: return generate::Letters::url;
    case audit::Letters::word: return generate::Letters::word;
    case audit::Letters::line:
    case audit::Letters::text: break;
  }
  return generate::Letters::any;
}

generate::SeenShape seen_shape(std::string pointer, const audit::Shape& shape) {
  using Kind = generate::SeenShape::Kind;
  constexpr std::array kinds{Kind::null, Kind::boolean, Kind::integer, Kind::number, Kind::string, Kind::array, Kind::object};
  return {.pointer = std::move(pointer),
          .kind = kinds[static_cast<std::size_t>(shape.kind)],
          .type_only = shape.type_only,
          .more = shape.more,
          .bucket = {.least = shape.least, .most = shape.most},
          .letters = letters_of(shape.letters)};
}

/// Of an entry that cannot be read nothing is known but that something was there.
std::vector<generate::SeenShape> seen_shapes(json::Value shapes) {
  std::vector<generate::SeenShape> all;
  for (const json::Member member : shapes.members()) {
    const auto shape = member.value.is_string() ? audit::read_shape(member.value.string()) : std::nullopt;
    all.push_back(seen_shape(member.key.string(), shape.value_or(audit::Shape{.kind = audit::Shape::Kind::string, .type_only = true})));
  }
  return all;
}

generate::RecordedCall call_of(const audit::Entry& entry, json::Value record) {
  generate::RecordedCall call{.tool = entry.tool, .session = audit::text_of(record, "session"), .at_ms = unix_ms(entry.time)};
  if (const auto keys = record.find("arg_keys"); keys && keys->is_array()) {
    for (const json::Value each : keys->elements()) {
      if (each.is_string()) call.arguments.push_back(name_of(each.string()));
    }
    call.all_named = keys->size() < audit::max_names;
  }
  if (const auto shapes = record.find("arg_shapes"); shapes && shapes->is_object()) call.shapes = seen_shapes(*shapes);
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
