#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loads.hpp"

namespace callgate::bench {

Url Url::parse(const std::string& text) {
  std::string rest = text.starts_with("http://") ? text.substr(7) : text;
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  Url url{.host = rest.substr(0, slash), .path = slash < rest.size() ? rest.substr(slash) : "/mcp"};
  const std::size_t colon = std::min(url.host.find(':'), url.host.size());
  url.address = url.host.substr(0, colon) == "localhost" ? "127.0.0.1" : url.host.substr(0, colon);
  if (colon < url.host.size()) url.port = static_cast<std::uint16_t>(std::stoi(url.host.substr(colon + 1)));
  return url;
}

int Url::dial() const {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  inet_pton(AF_INET, address.c_str(), &to.sin_addr);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    close(fd);
    return -1;
  }
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return fd;
}

std::string request_start(const Url& url, const Flags& flags, const std::string& session) {
  std::string out = fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, "
      "text/event-stream\r\n",
      url.path, url.host);
  if (flags.has("stateless")) out += "MCP-Protocol-Version: 2026-07-28\r\n";
  if (!session.empty()) {
    out += fmt::format("MCP-Protocol-Version: {}\r\nMcp-Session-Id: {}\r\n", flags.text("revision", "2025-06-18"),
                       session);
  }
  if (flags.has("header")) out += flags.text("header") + "\r\n";
  return out += "Content-Length: ";
}

}  // namespace callgate::bench
