#include "cli/approvals_view.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <vector>

#include <fmt/format.h>

#include "approval/display.hpp"

namespace callgate::cli {
namespace {


constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kYellow = "\x1b[33m";
constexpr std::string_view kPlain = "\x1b[0m";
constexpr std::size_t kWidest = 40;  ///< of a column whose text others choose

std::string coloured(const Showing& showing, std::string_view colour, std::string_view text) {
  if (showing.colours == Showing::Colours::off) return std::string(text);
  return fmt::format("{}{}{}", colour, text, kPlain);
}

std::string member_text(json::Value object, std::string_view key) {
  const auto value = object.find(key);
  return value && value->is_string() ? value->string() : std::string();
}

/// Characters, not bytes: continuation bytes do not count.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

/// The text of a cell: nothing hidden, nothing that breaks the table.
std::string cell(std::string_view text) {
  std::string shown = approval::visible(text);
  if (width(shown) <= kWidest) return shown;
  std::size_t end = 0;
  for (std::size_t seen = 0; seen < kWidest; ++end) {
    if ((shown[end] & 0xc0) != 0x80) ++seen;
  }
  shown.resize(end - 1);
  return shown + "…";
}

/// The grant; without one the start of the session's id, enough to tell two apart.
std::string who(const ApprovalView& approval) {
  if (!approval.grant.empty()) return approval.grant;
  if (approval.session.empty()) return "anybody";
  constexpr std::size_t enough = 8;
  return "session " + approval.session.substr(0, enough) + (approval.session.size() > enough ? "…" : "");
}

std::string age(std::int64_t from_ms, std::int64_t to_ms) { return from_ms == 0 ? "-" : span_text(to_ms - from_ms); }

std::string time_left(const ApprovalView& approval, std::int64_t now_ms) {
  if (!approval.waits() && approval.state != "approved") return "-";
  return age(now_ms, approval.expires_ms);
}

void write_row(std::ostream& out, const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    out << cells[i];
    if (i + 1 < cells.size()) out << std::string(widths[i] - width(cells[i]) + 2, ' ');
  }
}

void write_pretty(std::string& out, json::Value value, std::size_t indent) {
  const bool object = value.is_object();
  if ((!object && !value.is_array()) || value.size() == 0) {
    out += approval::visible(value.text());
    return;
  }
  const std::string lead = '\n' + std::string(indent + 2, ' ');
  out += object ? '{' : '[';
  bool first = true;
  const auto begin_entry = [&] {
    if (!first) out += ',';
    first = false;
    out += lead;
  };
  if (object) {
    for (const json::Member member : value.members()) {
      begin_entry();
      out += approval::visible(member.key.text()) + ": ";
      write_pretty(out, member.value, indent + 2);
    }
  } else {
    for (const json::Value each : value.elements()) {
      begin_entry();
      write_pretty(out, each, indent + 2);
    }
  }
  out += '\n' + std::string(indent, ' ');
  out += object ? '}' : ']';
}

std::string pretty(const std::string& text, std::size_t indent) {
  json::Document document;
  const json::Limits limits{.check_number_range = false};
  if (!json::parse(text, limits, document)) return approval::visible(text);
  std::string out;
  write_pretty(out, document.root(), indent);
  return out;
}

}  // namespace

Result<ApprovalView> read_approval(json::Value value) {
  ApprovalView out{.id = member_text(value, "id"),
                   .state = member_text(value, "state"),
                   .server = member_text(value, "server"),
                   .address = member_text(value, "address"),
                   .tool = member_text(value, "tool"),
                   .arguments = {},
                   .grant = member_text(value, "grant"),
                   .session = member_text(value, "session"),
                   .rule = member_text(value, "rule"),
                   .reason = member_text(value, "reason"),
                   .answered_by = member_text(value, "answered_by"),
                   .answer_reason = member_text(value, "answer_reason"),
                   .asked_ms = read_utc(member_text(value, "asked_at")),
                   .expires_ms = read_utc(member_text(value, "expires_at")),
                   .json = std::string(value.text())};
  if (const auto arguments = value.find("arguments")) out.arguments = arguments->text();
  if (out.id.empty() || out.state.empty()) return fail(ErrorKind::malformed, "the gateway's answer holds no approval");
  return out;
}

void write_approvals(std::ostream& out, std::span<const ApprovalView> approvals, Columns columns, const Showing& showing) {
  std::vector<std::vector<std::string>> rows{{"ID", "STATE", "AGE", "EXPIRES IN", "SERVER", "TOOL", "WHO"}};
  for (const ApprovalView& each : approvals) {
    rows.push_back({cell(each.id), cell(each.state), age(each.asked_ms, showing.now_ms), time_left(each, showing.now_ms),
                    cell(each.server), cell(each.tool), cell(who(each))});
  }
  if (columns == Columns::waiting) {
    for (auto& row : rows) row.erase(row.begin() + 1);
  }
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  if (showing.colours == Showing::Colours::on) out << kBold;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    write_row(out, rows[i], widths);
    if (i == 0 && showing.colours == Showing::Colours::on) out << kPlain;
    out << '\n';
  }
}

void write_approval(std::ostream& out, const ApprovalView& approval, const Showing& showing) {
  const auto line = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) out << fmt::format("  {:<10} {}\n", name, text);
  };
  const std::string state = approval::visible(approval.state);
  out << coloured(showing, kBold, "approval " + approval::visible(approval.id)) << ", "
      << coloured(showing, approval.waits() ? kYellow : kBold, state);
  if (time_left(approval, showing.now_ms) != "-") out << ", expires in " << time_left(approval, showing.now_ms);
  out << '\n';

  line("server", approval::visible(approval.server) + (approval.address.empty() ? "" : " (" + approval::visible(approval.address) + ")"));
  line("tool", approval::visible(approval.tool));
  line("arguments", pretty(approval.arguments, 13));
  line("who", approval::visible(who(approval)) + ", " + age(approval.asked_ms, showing.now_ms) + " ago");
  line("rule", approval::visible(approval.rule));
  line("reason", approval::visible(approval.reason));
  line("answer", approval::visible(approval.answered_by) +
                     (approval.answer_reason.empty() ? "" : ": " + approval::visible(approval.answer_reason)));
}

std::int64_t read_utc(std::string_view text) {
  constexpr std::string_view pattern = "dddd-dd-ddTdd:dd:dd.dddZ";
  if (text.size() != pattern.size()) return 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (pattern[i] == 'd' ? !digit : text[i] != pattern[i]) return 0;
  }
  const auto number = [&](std::size_t at, std::size_t size) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + size, value);
    return value;
  };
  using namespace std::chrono;
  const year_month_day date(year(number(0, 4)), month(static_cast<unsigned>(number(5, 2))),
                            day(static_cast<unsigned>(number(8, 2))));
  if (!date.ok()) return 0;
  const auto time = sys_days(date) + hours(number(11, 2)) + minutes(number(14, 2)) + seconds(number(17, 2));
  return duration_cast<milliseconds>(time.time_since_epoch()).count() + number(20, 3);
}

std::string span_text(std::int64_t ms) {
  const std::int64_t s = std::max<std::int64_t>(ms, 0) / 1000;
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return fmt::format("{}m {}s", s / 60, s % 60);
  if (s < 86'400) return fmt::format("{}h {}m", s / 3600, s / 60 % 60);
  return fmt::format("{}d {}h", s / 86'400, s / 3600 % 24);
}

}  // namespace callgate::cli
