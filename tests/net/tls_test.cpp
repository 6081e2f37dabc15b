#include <gtest/gtest.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/random.hpp"
#include "net/http_client.hpp"

// Which servers are trusted, and what is said of the others.

namespace callgate::net::tls_test {
namespace {

template <class T, void (*free)(T*)>
struct Freed {
  void operator()(T* each) const { free(each); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509, X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX, SSL_CTX_free>>;

constexpr long day = 24L * 60 * 60;

/// What a certificate says, seconds from now.
struct Says {
  const char* name = "IP:127.0.0.1";
  long from = -day;
  long until = day;
};

/// Signed by itself: whoever names it as `ca_file` trusts its issuer.
Certificate certificate(EVP_PKEY* key, const Says& says) {
  Certificate made(X509_new());
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), says.from);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), says.until);
  X509_NAME* name = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(made.get(), name);
  X509_set_pubkey(made.get(), key);
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, says.name);
  X509_add_ext(made.get(), names, -1);
  X509_EXTENSION_free(names);
  X509_sign(made.get(), key, EVP_sha256());
  return made;
}

/// Answers one request over TLS.
class TlsServer {
 public:
  explicit TlsServer(const Says& says)
      : file_(std::filesystem::temp_directory_path() / ("callgate-tls-" + random_hex(8) + ".pem")),
        key_(EVP_EC_gen("P-256")),
        certificate_(certificate(key_.get(), says)) {
    FILE* out = fopen(file_.c_str(), "w");
    PEM_write_X509(out, certificate_.get());
    fclose(out);
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    const Address any = *Address::numeric("127.0.0.1", 0);
    bind(listener_, reinterpret_cast<const sockaddr*>(&any.storage), any.size);
    listen(listener_, 1);
    address_.size = sizeof address_.storage;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address_.storage), &address_.size);
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
    std::filesystem::remove(file_);
  }
  Url url() const { return {.tls = true, .host = "127.0.0.1", .port = address_.port(), .target = "/"}; }
  std::string file() const { return file_.string(); }

 private:
  void serve() {
    const int connection = accept(listener_, nullptr, nullptr);
    if (connection < 0) return;
    const Context context(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context.get(), certificate_.get());
    SSL_CTX_use_PrivateKey(context.get(), key_.get());
    SSL* tls = SSL_new(context.get());
    SSL_set_fd(tls, connection);
    char byte = 0;
    std::string request;
    if (SSL_accept(tls) == 1) {
      while (!request.ends_with("\r\n\r\n") && SSL_read(tls, &byte, 1) == 1) request += byte;
      const std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
      if (request.ends_with("\r\n\r\n")) SSL_write(tls, answer.data(), static_cast<int>(answer.size()));
    }
    SSL_free(tls);
    close(connection);
  }

  std::filesystem::path file_;
  Key key_;
  Certificate certificate_;
  int listener_ = -1;
  Address address_;
  std::thread thread_;
};

struct Seen {
  std::string said;
  bool done = false;
};

Task<void> ask(HttpClient& client, Seen& seen) {
  auto reply = co_await client.send("GET", {}, {}, std::chrono::seconds(20));
  if (reply) {
    auto body = co_await (*reply)->whole(1000, std::chrono::seconds(20));
    seen.said = body ? std::string(*body) : body.error().message;
  } else {
    seen.said = reply.error().error.message;
  }
  seen.done = true;
}

std::string answer_of(const TlsServer& server, const std::string& ca_file) {
  signal(SIGPIPE, SIG_IGN);
  Loop loop;
  auto tls = TlsClient::make(ca_file);
  if (!tls) return tls.error().message;
  HttpClient client(loop, server.url(), *tls, {});
  Seen seen;
  TaskGroup group;
  group.spawn(ask(client, seen));
  const Instant until = Loop::read_clock() + std::chrono::seconds(30);
  while (!seen.done && Loop::read_clock() < until) loop.turn(std::chrono::milliseconds(5));
  return seen.said;
}

TEST(Tls, AServerWhoseIssuerIsNamedIsTrusted) {
  const TlsServer server({});
  EXPECT_EQ(answer_of(server, server.file()), "ok");
}

TEST(Tls, AnyOtherIsNotAndThePersonReadsWhatToDo) {
  const TlsServer server({});
  EXPECT_EQ(answer_of(server, ""),
            "no trusted TLS connection to `127.0.0.1`: self-signed certificate; where you trust who issued it, name "
            "that certificate with `ca_file`");
}

TEST(Tls, ACertificateHoldsForItsTimeAndItsNames) {
  const TlsServer old({.from = -2 * day, .until = -day});
  EXPECT_EQ(answer_of(old, old.file()),
            "no trusted TLS connection to `127.0.0.1`: certificate has expired; it has to be renewed there");
  const TlsServer early({.from = day, .until = 2 * day});
  EXPECT_EQ(
      answer_of(early, early.file()),
      "no trusted TLS connection to `127.0.0.1`: certificate is not yet valid; look at the clocks of both machines");
  const TlsServer other({.name = "DNS:other.example"});
  const std::string said = answer_of(other, other.file());
  EXPECT_TRUE(said.ends_with("; use a name or an address that the certificate holds")) << said;
}

}  // namespace
}  // namespace callgate::net::tls_test
