#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "admin/api_world.hpp"
#include "base/random.hpp"
#include "base/remove_folder.hpp"
#include "net/http1.hpp"

namespace callgate::cli {

/// A data folder that goes with the test.
struct DataFolder {
  DataFolder() { std::filesystem::create_directories(path / "run"); }
  ~DataFolder() { remove_folder(path); }
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("callgate-cli-" + random_hex(8));
};

/// The real admin API with fakes behind it, on `folder`/run/`name`.sock: one
/// request a connection, on a thread of its own. With `canned` bytes it answers
/// those instead; with `silence` it answers nothing.
class TinyGateway {
 public:
  enum class Manners : std::uint8_t { api, silence };

  TinyGateway(const DataFolder& folder, std::string_view name, std::optional<std::string> canned = std::nullopt,
              Manners manners = Manners::api)
      : socket_(folder.path / "run" / fmt::format("{}.sock", name)), canned_(std::move(canned)), manners_(manners) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_.native().copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~TinyGateway() {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(stop_, &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
    thread_.join();
    ::close(listener_);
    ::close(stop_);
  }
  TinyGateway(const TinyGateway&) = delete;
  TinyGateway& operator=(const TinyGateway&) = delete;

  /// Asks for a person and keeps the call waiting.
  std::string ask(std::string_view tool = "valkey_write", std::string_view arguments = R"({"key":"a"})") {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(world_.ask(tool, arguments));
    return waiting_.back().approval.id;
  }
  approval::Approval approval(std::string_view id) {
    const std::lock_guard lock(mutex_);
    return *world_.desk.find(id);
  }
  std::int64_t now_ms() {
    const std::lock_guard lock(mutex_);
    return world_.clock.wall_ms();
  }
  void advance(Nanos by) {
    const std::lock_guard lock(mutex_);
    world_.clock.advance(by);
  }
  const std::filesystem::path& socket() const { return socket_; }

 private:
  void serve() {
    for (;;) {
      std::array<pollfd, 2> entries{{{.fd = listener_, .events = POLLIN, .revents = 0},
                                     {.fd = stop_, .events = POLLIN, .revents = 0}}};
      ::poll(entries.data(), entries.size(), -1);
      if (entries[1].revents != 0) return;
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (manners_ == Manners::api) {
        const std::string answer = answer_to(receive(connection));
        [[maybe_unused]] const ssize_t sent = ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
      } else {
        wait_for_end(connection);
      }
      ::close(connection);
    }
  }

  static void wait_for_end(int connection) {
    std::array<char, 4096> bytes{};
    while (::recv(connection, bytes.data(), bytes.size(), 0) > 0) {
    }
  }

  static std::string receive(int connection) {
    std::string bytes;
    std::array<char, 4096> some{};
    for (;;) {
      const std::size_t head = net::head_size(bytes, 0);
      net::RequestHead request;
      if (head > 0 && net::read_request_head(std::string_view(bytes).substr(0, head), {}, request) &&
          bytes.size() >= head + request.content_length.value_or(0)) {
        return bytes;
      }
      const ssize_t size = ::recv(connection, some.data(), some.size(), 0);
      if (size <= 0) return {};
      bytes.append(some.data(), static_cast<std::size_t>(size));
    }
  }

  std::string answer_to(const std::string& bytes) {
    if (canned_) return *canned_;
    const std::size_t head = net::head_size(bytes, 0);
    net::RequestHead request;
    if (!net::read_request_head(std::string_view(bytes).substr(0, head), {}, request)) return {};
    const std::lock_guard lock(mutex_);
    const admin::ApiResponse response = world_.send({.method = request.method,
                                                     .target = request.target,
                                                     .headers = request.headers,
                                                     .body = std::string_view(bytes).substr(head),
                                                     .door = admin::Door::local_socket});
    std::string out = fmt::format("HTTP/1.1 {} {}\r\n", response.status, net::reason_phrase(response.status));
    for (const auto& [name, value] : response.headers) out += fmt::format("{}: {}\r\n", name, value);
    return out + fmt::format("Content-Length: {}\r\n\r\n", response.body.size()) + response.body;
  }

  std::filesystem::path socket_;
  std::optional<std::string> canned_;
  Manners manners_;
  int listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int stop_ = ::eventfd(0, EFD_CLOEXEC);
  std::mutex mutex_;
  admin::ApiWorld world_;
  std::vector<approval::Asked> waiting_;
  std::thread thread_;
};

}  // namespace callgate::cli
