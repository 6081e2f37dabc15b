#include "net/address.hpp"

#include <charconv>
#include <cstring>
#include <memory>
#include <thread>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "base/credentials.hpp"

namespace callgate::net {

bool Address::is_loopback() const {
  if (storage.ss_family == AF_INET)
    return (ntohl(reinterpret_cast<const sockaddr_in&>(storage).sin_addr.s_addr) >> 24U) == 127;
  if (storage.ss_family == AF_INET6) {
    const in6_addr& ip = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(&ip) || (IN6_IS_ADDR_V4MAPPED(&ip) && ip.s6_addr[12] == 127);
  }
  return storage.ss_family == AF_UNIX;
}

std::string Address::ip() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (storage.ss_family == AF_INET)
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, text, sizeof text);
  if (storage.ss_family == AF_INET6)
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr, text, sizeof text);
  return text;
}

std::uint16_t Address::port() const {
  if (storage.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
  if (storage.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
  return 0;
}

std::string Address::text() const {
  if (storage.ss_family == AF_UNIX) return reinterpret_cast<const sockaddr_un&>(storage).sun_path;
  if (storage.ss_family == AF_INET6) return fmt::format("[{}]:{}", ip(), port());
  return fmt::format("{}:{}", ip(), port());
}

Result<Address> Address::numeric(std::string_view ip, std::uint16_t port) {
  Address address;
  const std::string text(ip);
  auto& four = reinterpret_cast<sockaddr_in&>(address.storage);
  auto& six = reinterpret_cast<sockaddr_in6&>(address.storage);
  if (inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    address.size = sizeof four;
    return address;
  }
  if (inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    address.size = sizeof six;
    return address;
  }
  return fail(ErrorKind::invalid, fmt::format("`{}` is not an IP address", ip));
}

Result<Address> Address::unix_path(std::string_view path) {
  Address address;
  auto& target = reinterpret_cast<sockaddr_un&>(address.storage);
  if (path.size() >= sizeof target.sun_path)
    return fail(ErrorKind::invalid, fmt::format("the socket path `{}` is too long: use a shorter data folder", path));
  target.sun_family = AF_UNIX;
  std::memcpy(target.sun_path, path.data(), path.size());
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

std::string Url::authority() const {
  const bool six = host.find(':') != std::string::npos;
  const bool usual = port == (tls ? 443 : 80);
  std::string text = six ? fmt::format("[{}]", host) : host;
  return usual ? text : fmt::format("{}:{}", text, port);
}

namespace {

Result<std::uint16_t> read_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || code != std::errc{} || end != text.data() + text.size() || port == 0)
    return fail(ErrorKind::invalid, fmt::format("`{}` is not a port", text));
  return port;
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  Url url;
  const std::string whole = mask_credentials(text).text;
  if (text.starts_with("https://")) {
    url.tls = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return fail(ErrorKind::invalid, fmt::format("`{}` should start with http:// or https://", whole));
  }
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '#' || c == '\\')
      return fail(ErrorKind::invalid, fmt::format("`{}` holds a character that an address may not have", whole));
  }
  const std::size_t path = text.find_first_of("/?");
  std::string_view authority = text.substr(0, path);
  url.target = path == std::string_view::npos ? "/" : std::string(text.substr(path));
  if (url.target.front() != '/') url.target.insert(0, "/");
  if (authority.find('@') != std::string_view::npos)
    return fail(ErrorKind::invalid, "an address holds no user name or password: send credentials as a header");
  std::string_view port_text;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return fail(ErrorKind::invalid, fmt::format("`{}` lacks a `]`", whole));
    url.host = authority.substr(1, close - 1);
    authority.remove_prefix(close + 1);
    if (!authority.empty()) port_text = authority.starts_with(':') ? authority.substr(1) : "?";
  } else {
    const std::size_t colon = authority.find(':');
    url.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port_text = authority.substr(colon + 1);
  }
  if (url.host.empty()) return fail(ErrorKind::invalid, fmt::format("`{}` names no host", whole));
  url.port = url.tls ? 443 : 80;
  if (port_text.data() != nullptr) {
    auto port = read_port(port_text);
    if (!port) return std::unexpected(port.error());
    url.port = *port;
  }
  return url;
}

namespace {

struct Lookup {
  explicit Lookup(Loop& loop) : done(loop) {}
  Signal done;
  Result<std::vector<Address>> result = fail(ErrorKind::timeout, "the name was not found in time");
};

Result<std::vector<Address>> look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (code != 0)
    return fail(ErrorKind::unavailable, fmt::format("the host `{}` was not found: {}", host, gai_strerror(code)));
  std::vector<Address> addresses;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    Address address;
    address.size = each->ai_addrlen;
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    addresses.push_back(address);
  }
  freeaddrinfo(list);
  return addresses;
}

}  // namespace

Task<Result<std::vector<Address>>> resolve(Loop& loop, std::string host, std::uint16_t port, Instant until) {
  if (auto numeric = Address::numeric(host, port)) co_return std::vector{*numeric};
  // Each holds a thread for as long as the system's resolver likes.
  constexpr int most_lookups = 32;
  const std::shared_ptr<Inbox> inbox = loop.inbox();
  if (inbox->lookups.fetch_add(1) >= most_lookups) {
    --inbox->lookups;
    co_return fail(ErrorKind::unavailable, "too many names are being looked up already");
  }
  // The thread may outlive the wait, and the loop: it reports to states that it owns too.
  auto lookup = std::make_shared<Lookup>(loop);
  std::thread([inbox, weak = std::weak_ptr(lookup), host, port] {
    auto found = std::make_shared<Result<std::vector<Address>>>(look_up(host, port));
    --inbox->lookups;
    inbox->post([weak, found] {
      if (const auto state = weak.lock()) {
        state->result = std::move(*found);
        state->done.raise();
      }
    });
  }).detach();
  co_await lookup->done.wait(until - loop.now());
  co_return std::move(lookup->result);
}

}  // namespace callgate::net
