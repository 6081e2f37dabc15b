#include "mcp/keys.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include <fmt/format.h>

#include "mcp/ascii.hpp"
#include "mcp/name_table.hpp"

namespace callgate::mcp {

namespace {

constexpr std::array<std::string_view, envelope_keys> envelope_names{"jsonrpc", "id",     "method",
                                                                     "params",  "result", "error"};

// Every member of `params` that some revision's schema.ts defines, for requests
// and notifications of both directions.
constexpr auto params_names = std::to_array<std::string_view>({
    "_meta", "name", "arguments", "uri", "ref", "argument", "context", "cursor", "task", "taskId", "ttl",
    "protocolVersion", "capabilities", "clientInfo", "level", "logger", "data", "requestId", "reason",
    "progressToken", "progress", "total", "message", "inputResponses", "requestState", "notifications",
    "mode", "url", "elicitationId", "requestedSchema", "messages", "systemPrompt", "modelPreferences",
    "includeContext", "temperature", "maxTokens", "stopSequences", "metadata", "tools", "toolChoice",
    "status", "statusMessage", "createdAt", "lastUpdatedAt", "pollInterval", "pollIntervalMs", "ttlMs",
});

constexpr auto meta_names = std::to_array<std::string_view>({
    "progressToken", "io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/clientInfo", "io.modelcontextprotocol/serverInfo", "io.modelcontextprotocol/logLevel",
    "io.modelcontextprotocol/related-task", "io.modelcontextprotocol/subscriptionId", "traceparent", "tracestate",
    "baggage",
});

constexpr auto completion_names = std::to_array<std::string_view>({"type", "name", "title", "uri", "value", "arguments"});

constexpr auto listen_names = std::to_array<std::string_view>({
    "toolsListChanged", "promptsListChanged", "resourcesListChanged", "resourceSubscriptions", "taskIds",
});

template <std::size_t N>
consteval auto folded_storage(const std::array<std::string_view, N>& names) {
  std::array<std::array<char, 64>, N> out{};
  for (std::size_t i = 0; i < N; ++i) std::ranges::transform(names[i], out[i].begin(), lower);
  return out;
}

template <std::size_t N>
consteval auto folded_views(const std::array<std::array<char, 64>, N>& storage,
                            const std::array<std::string_view, N>& names) {
  std::array<std::string_view, N> out;
  for (std::size_t i = 0; i < N; ++i) out[i] = {storage[i].data(), names[i].size()};
  return out;
}

constexpr auto envelope_folded = folded_storage(envelope_names);
constexpr auto params_folded = folded_storage(params_names);
constexpr auto meta_folded = folded_storage(meta_names);
constexpr auto completion_folded = folded_storage(completion_names);
constexpr auto listen_folded = folded_storage(listen_names);

constexpr NameTable envelope_table(envelope_names);
constexpr NameTable params_table(params_names);
constexpr NameTable meta_table(meta_names);
constexpr NameTable completion_table(completion_names);
constexpr NameTable listen_table(listen_names);
constexpr NameTable envelope_twins(folded_views(envelope_folded, envelope_names));
constexpr NameTable params_twins(folded_views(params_folded, params_names));
constexpr NameTable meta_twins(folded_views(meta_folded, meta_names));
constexpr NameTable completion_twins(folded_views(completion_folded, completion_names));
constexpr NameTable listen_twins(folded_views(listen_folded, listen_names));

struct Fold {
  std::string_view from;
  std::string_view to;
};

// All characters beyond ASCII whose case folding (Unicode CaseFolding.txt, simple
// or full) or lower or upper case in common libraries is ASCII only.
constexpr auto folds = std::to_array<Fold>({
    {"\u017f", "s"},  {"\u212a", "k"},  {"\u0130", "i"},  {"\u0131", "i"},   {"\u00df", "ss"},
    {"\u1e9e", "ss"}, {"\ufb00", "ff"}, {"\ufb01", "fi"}, {"\ufb02", "fl"},  {"\ufb03", "ffi"},
    {"\ufb04", "ffl"}, {"\ufb05", "st"}, {"\ufb06", "st"},
});

/// The case-folded beginning of a key: as far as it folds to ASCII and fits.
struct Folded {
  std::array<char, 64> bytes;
  std::size_t size = 0;
  bool whole = false;  ///< the key ended within what was folded

  explicit Folded(std::string_view key) {
    while (!key.empty()) {
      if (static_cast<unsigned char>(key.front()) < 0x80) {
        if (!put(lower(key.front()))) return;
        key.remove_prefix(1);
        continue;
      }
      const auto fold = std::ranges::find_if(folds, [&](const Fold& f) { return key.starts_with(f.from); });
      if (fold == folds.end()) return;
      for (const char c : fold->to) {
        if (!put(c)) return;
      }
      key.remove_prefix(fold->from.size());
    }
    whole = true;
  }
  std::string_view text() const { return {bytes.data(), size}; }

 private:
  bool put(char c) {
    if (size == NameTable<1>::max_size) return false;
    bytes[size++] = c;
    return true;
  }
};

int find_exact(std::string_view key, Level level) {
  switch (level) {
    case Level::envelope: return envelope_table.find(key);
    case Level::params: return params_table.find(key);
    case Level::meta: return meta_table.find(key);
    case Level::completion: return completion_table.find(key);
    case Level::listen: return listen_table.find(key);
  }
  return -1;
}

/// The known key that `folded` is a spelling of; empty where there is none.
std::string_view find_twin(std::string_view folded, Level level) {
  const auto name = [](int place, const auto& names) {
    return place < 0 ? std::string_view() : names[static_cast<std::size_t>(place)];
  };
  switch (level) {
    case Level::envelope: return name(envelope_twins.find(folded), envelope_names);
    case Level::params: return name(params_twins.find(folded), params_names);
    case Level::meta: return name(meta_twins.find(folded), meta_names);
    case Level::completion: return name(completion_twins.find(folded), completion_names);
    case Level::listen: return name(listen_twins.find(folded), listen_names);
  }
  return {};
}

/// Whether every escape in the raw text is `\/`, which some encoders write by default.
bool escapes_slashes_only(std::string_view raw) {
  for (std::size_t at = raw.find('\\'); at != std::string_view::npos; at = raw.find('\\', at + 2)) {
    if (raw[at + 1] != '/') return false;
  }
  return true;
}

std::string byte_of(json::Value key) { return fmt::format("byte {}", key.offset()); }

Result<void> check_unknown(std::string_view key, json::Value at, Level level) {
  const Folded folded(key);
  if (level == Level::meta && folded.text().starts_with(json::reserved_prefix)) {
    return fail(ErrorKind::invalid,
                fmt::format("the `_meta` key {} is reserved for the gateway: leave it out", shown_key(key)), byte_of(at));
  }
  if (!folded.whole) return {};
  if (const std::string_view name = find_twin(folded.text(), level); !name.empty()) {
    return fail(ErrorKind::invalid,
                fmt::format("the key {} differs from `{}` only in case: keys are compared exactly", shown_key(key), name),
                byte_of(at));
  }
  return {};
}

}  // namespace

int envelope_key(std::string_view name) { return envelope_table.find(name); }

Result<void> check_key(json::Value key, Level level) {
  const std::string_view raw = key.raw_string();
  if (!key.has_escapes()) return find_exact(raw, level) >= 0 ? Result<void>() : check_unknown(raw, key, level);

  if (level != Level::meta || !escapes_slashes_only(raw)) {
    return fail(ErrorKind::invalid,
                fmt::format("the key {} is written with escapes: readers differ in them, write it plainly", shown_key(raw)),
                byte_of(key));
  }
  const std::string decoded = key.string();
  return find_exact(decoded, level) >= 0 ? Result<void>() : check_unknown(decoded, key, level);
}

Result<void> check_keys(json::Value object, Level level) {
  for (const auto [key, value] : object.members()) {
    if (auto fine = check_key(key, level); !fine) return fine;
  }
  return {};
}

bool is_case_twin(std::string_view key, std::string_view name) {
  if (key == name) return false;
  const Folded a(key);
  const Folded b(name);
  return a.whole && b.whole && a.text() == b.text();
}

std::string shown_key(std::string_view key) {
  constexpr std::size_t most = 64;
  if (key.size() <= most) return fmt::format("`{}`", key);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(key[end]) & 0xc0U) == 0x80) --end;
  return fmt::format("`{}…`", key.substr(0, end));
}

}  // namespace callgate::mcp
