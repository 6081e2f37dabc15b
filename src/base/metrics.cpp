#include "base/metrics.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace callgate {
namespace {

/// Label values and help texts escape backslash, newline and (values) quotes.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

std::string label_text(const Metrics::Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    fmt::format_to(std::back_inserter(out), "{}{}=\"{}\"", out.empty() ? "" : ",", name, escaped(value));
  }
  return out;
}

void write_sample(std::string& out, std::string_view name, std::string_view labels, std::string_view value) {
  out += name;
  if (!labels.empty()) fmt::format_to(std::back_inserter(out), "{{{}}}", labels);
  fmt::format_to(std::back_inserter(out), " {}\n", value);
}

void write_head(std::string& out, std::string_view name, std::string_view help, std::string_view type) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void write_durations(std::string& out, std::string_view name, const std::string& labels, const Durations& durations) {
  const std::string bucket = fmt::format("{}_bucket", name);
  const std::string separator = labels.empty() ? "" : ",";
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < Durations::bounds_us.size(); ++i) {
    total += durations.in_bucket(i);
    const double bound = static_cast<double>(Durations::bounds_us[i]) / 1e6;
    write_sample(out, bucket, fmt::format("{}{}le=\"{}\"", labels, separator, bound), fmt::to_string(total));
  }
  total += durations.in_bucket(Durations::bounds_us.size());
  write_sample(out, bucket, fmt::format("{}{}le=\"+Inf\"", labels, separator), fmt::to_string(total));
  write_sample(out, fmt::format("{}_sum", name), labels,
               fmt::format("{}", static_cast<double>(durations.sum_us()) / 1e6));
  write_sample(out, fmt::format("{}_count", name), labels, fmt::to_string(total));
}

}  // namespace

void Durations::add(std::chrono::microseconds took) {
  const std::int64_t us = std::max<std::int64_t>(took.count(), 0);
  const auto at = std::ranges::lower_bound(bounds_us, us);
  buckets_[static_cast<std::size_t>(at - bounds_us.begin())].fetch_add(1, std::memory_order_relaxed);
  sum_us_.fetch_add(static_cast<std::uint64_t>(us), std::memory_order_relaxed);
}

template <class T>
T& Metrics::find_or_make(Families<T>& families, std::string_view name, std::string_view help, const Labels& labels) {
  auto family = std::ranges::find(families, name, &Family<T>::name);
  if (family == families.end()) {
    families.push_back({.name = std::string(name), .help = std::string(help), .series = {}});
    family = std::prev(families.end());
  }
  std::string text = label_text(labels);
  const auto series = std::ranges::find(family->series, text, &Series<T>::labels);
  if (series != family->series.end()) return series->value;
  return family->series.emplace_back(std::move(text)).value;
}

Counter& Metrics::counter(std::string_view name, std::string_view help, Labels labels) {
  return find_or_make(counters_, name, help, labels);
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, Labels labels) {
  return find_or_make(gauges_, name, help, labels);
}

Durations& Metrics::durations(std::string_view name, std::string_view help, Labels labels) {
  return find_or_make(durations_, name, help, labels);
}

std::string Metrics::prometheus() const {
  std::string out;
  const auto plain = [&out](const auto& families, std::string_view type) {
    for (const auto& family : families) {
      write_head(out, family.name, family.help, type);
      for (const auto& each : family.series) {
        write_sample(out, family.name, each.labels, fmt::to_string(each.value.value()));
      }
    }
  };
  plain(counters_, "counter");
  plain(gauges_, "gauge");
  for (const auto& family : durations_) {
    write_head(out, family.name, family.help, "histogram");
    for (const auto& each : family.series) write_durations(out, family.name, each.labels, each.value);
  }
  return out;
}

}  // namespace callgate
