#include "net/headers.hpp"

#include <cstring>

#include "base/ascii_case.hpp"

namespace callgate::net {

namespace {

struct Known {
  std::string_view lower;
  HeaderName name;
};

constexpr std::array known_names{
    Known{"host", HeaderName::host},
    Known{"expect", HeaderName::expect},
    Known{"origin", HeaderName::origin},
    Known{"connection", HeaderName::connection},
    Known{"content-type", HeaderName::content_type},
    Known{"authorization", HeaderName::authorization},
    Known{"last-event-id", HeaderName::last_event_id},
    Known{"content-length", HeaderName::content_length},
    Known{"mcp-session-id", HeaderName::mcp_session_id},
    Known{"content-encoding", HeaderName::content_encoding},
    Known{"proxy-connection", HeaderName::proxy_connection},
    Known{"transfer-encoding", HeaderName::transfer_encoding},
    Known{"mcp-protocol-version", HeaderName::mcp_protocol_version},
};
constexpr std::size_t longest = known_names.back().lower.size();

/// Where the names of each length start in `known`, which is sorted by length.
constexpr auto by_size = [] {
  std::array<std::uint8_t, longest + 2> starts{};
  std::size_t at = 0;
  for (std::size_t size = 0; size < starts.size(); ++size) {
    while (at < known_names.size() && known_names[at].lower.size() < size) ++at;
    starts[size] = static_cast<std::uint8_t>(at);
  }
  return starts;
}();

template <class Word>
Word word_at(const char* p) {
  Word word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

/// Of a token, the bytes that this bit turns into a letter are that letter in
/// either case, and `-` stays what it is: no other token byte becomes one of them.
bool is(std::string_view token, std::string_view lower_name) {
  const auto equal = [&]<class Word>(Word letters, std::size_t at) {
    return (word_at<Word>(token.data() + at) | letters) == word_at<Word>(lower_name.data() + at);
  };
  // The last words overlap. No known name is shorter than the smaller word.
  const std::size_t size = lower_name.size();
  if (size < 8) return equal(std::uint32_t{0x20202020}, 0) && equal(std::uint32_t{0x20202020}, size - 4);
  for (std::size_t at = 0; at + 8 < size; at += 8) {
    if (!equal(ascii::in_each(0x20), at)) return false;
  }
  return equal(ascii::in_each(0x20), size - 8);
}
static_assert(known_names.front().lower.size() >= 4);

}  // namespace

HeaderName header_name(std::string_view name) {
  if (name.size() > longest) return HeaderName::other;
  for (std::size_t at = by_size[name.size()]; at < by_size[name.size() + 1]; ++at) {
    if (is(name, known_names[at].lower)) return known_names[at].name;
  }
  return HeaderName::other;
}

bool same_name(std::string_view a, std::string_view b) { return ascii::equal(a, b); }

void Headers::clear() {
  all_.clear();
  first_ = {};
  repeated_ = 0;
}

HeaderName Headers::add(const Header& header) {
  const HeaderName name = header_name(header.name);
  all_.push_back(header);
  if (name == HeaderName::other) return name;
  std::uint16_t& first = first_[static_cast<std::size_t>(name)];
  if (first != 0) {
    repeated_ |= 1U << static_cast<unsigned>(name);
  } else {
    first = static_cast<std::uint16_t>(all_.size());
  }
  return name;
}

std::string_view Headers::find(std::string_view name) const {
  for (const Header& header : all_) {
    if (same_name(header.name, name)) return value_of(header);
  }
  return {};
}

}  // namespace callgate::net
