// Addresses as rules see them against the readers that servers use. The answers of
// the readers are those of Node 20.20 (`new URL(uri).href`) and Python 3.11
// (`urllib.parse.urlsplit`, its parts joined again without empty ones).

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "policy/resource_uri.hpp"

namespace callgate::policy::uri_readers_test {
namespace {

struct Row {
  std::string uri;
  const char* normal;  ///< null: refused
  const char* node;    ///< null: no URL to it
  const char* python;
};

/// Whether a rule that names what a reader made of an address also holds for the address.
bool is_covered(std::string_view form, std::string_view reading) {
  const auto read = normal_uri(reading);
  if (!read) return false;
  std::vector<std::string> covered = other_readings(form);
  covered.emplace_back(form);
  return std::ranges::any_of(covered, [&](const std::string& each) { return without_fragment(each) == without_fragment(*read); });
}

class Readers : public testing::TestWithParam<Row> {};

/// Protocol item 52.
TEST_P(Readers, TakeAnAddressForWhatTheRulesTakeItForOrItIsRefused) {
  const Row& row = GetParam();
  const auto form = normal_uri(row.uri);
  EXPECT_EQ(form.value_or("refused"), row.normal == nullptr ? "refused" : row.normal) << row.uri;
  if (!form) return;
  EXPECT_EQ(normal_uri(*form), form) << row.uri;
  for (const char* reading : {row.node, row.python}) {
    if (reading != nullptr) EXPECT_TRUE(is_covered(*form, reading)) << row.uri << " is read as " << reading;
  }
}

INSTANTIATE_TEST_SUITE_P(Policy, Readers, testing::ValuesIn(std::vector<Row>{
    {"file:///secret/x", "file:///secret/x", "file:///secret/x", "file:///secret/x"},
    {"FILE:///secret/x", "file:///secret/x", "file:///secret/x", "file:///secret/x"},
    {"file:/secret/x", "file:///secret/x", "file:///secret/x", "file:/secret/x"},
    {"file://localhost/secret/x", "file:///secret/x", "file:///secret/x", "file://localhost/secret/x"},
    {"file://LocalHost/secret/x", "file:///secret/x", "file:///secret/x", "file://LocalHost/secret/x"},
    {"file:////secret//x", "file:///secret/x", "file:////secret//x", "file:////secret//x"},
    {"file:secret/x", nullptr, "file:///secret/x", "file:secret/x"},
    {"file:", nullptr, "file:///", "file:"},
    {"file://", "file:///", "file:///", "file://"},
    {"file:\\\\\\secret\\x", nullptr, "file:///secret/x", "file:\\\\\\secret\\x"},
    {"file:///\\secret\\x", nullptr, "file:////secret/x", "file:///\\secret\\x"},
    {"file:///pub\\..\\secret", nullptr, "file:///secret", "file:///pub\\..\\secret"},
    {"file:///pub/../secret/x", "file:///secret/x", "file:///secret/x", "file:///pub/../secret/x"},
    {"file:///pub/%2e%2E/secret/x", "file:///secret/x", "file:///secret/x", "file:///pub/%2e%2E/secret/x"},
    {"file:///pub/.%2e/x", "file:///x", "file:///x", "file:///pub/.%2e/x"},
    {"file:///pub//../x", nullptr, "file:///pub/x", "file:///pub//../x"},
    {"file:///pub%2f..%2fx", nullptr, "file:///pub%2f..%2fx", "file:///pub%2f..%2fx"},
    {"file:///pub%2Fx", "file:///pub/x", "file:///pub%2Fx", "file:///pub%2Fx"},
    {"file:///x?q", "file:///x?q", "file:///x?q", "file:///x?q"},
    {"file:///x%3Fq", "file:///x?q", "file:///x%3Fq", "file:///x%3Fq"},
    {"file:///x?", "file:///x?", "file:///x?", "file:///x"},
    {"file:///x#", "file:///x#", "file:///x#", "file:///x"},
    {"file:///C:/x", "file:///C:/x", "file:///C:/x", "file:///C:/x"},
    {"file:///C|/x", nullptr, "file:///C:/x", "file:///C|/x"},
    {"file:///C:/../x", nullptr, "file:///C:/x", "file:///C:/../x"},
    {"file:///a/../C|/x", nullptr, "file:///C:/x", "file:///a/../C|/x"},
    {"file:///h:80/../x", nullptr, "file:///h:80/x", "file:///h:80/../x"},
    {"file://C:/x", nullptr, "file:///C:/x", "file://C:/x"},
    {"file:C:/x", nullptr, "file:///C:/x", "file:C:/x"},
    {"file://host/C:/x", nullptr, "file://host/C:/x", "file://host/C:/x"},
    {"file://host/x", "file://host/x", "file://host/x", "file://host/x"},
    {"file://HOST/x", "file://host/x", "file://host/x", "file://HOST/x"},
    {"file://127.0.0.1/x", "file://127.0.0.1/x", "file://127.0.0.1/x", "file://127.0.0.1/x"},
    {"file://0x7f.1/x", nullptr, "file://127.0.0.1/x", "file://0x7f.1/x"},
    {"file://host:80/x", nullptr, nullptr, "file://host:80/x"},
    {"file://u@host/x", nullptr, nullptr, "file://u@host/x"},
    {"file:///a b/\303\274", "file:///a b/\303\274", "file:///a%20b/%C3%BC", "file:///a b/\303\274"},
    {"file:///a%20b/%C3%BC", "file:///a b/\303\274", "file:///a%20b/%C3%BC", "file:///a%20b/%C3%BC"},
    {"file:///100%", "file:///100%", "file:///100%", "file:///100%"},
    {"file:///%2573ecret/x", nullptr, "file:///%2573ecret/x", "file:///%2573ecret/x"},
    {"file:///a\011b", nullptr, "file:///ab", "file:///ab"},
    {"file:///pub/\011/../x", nullptr, "file:///pub/x", "file:///pub//../x"},
    {" file:///x", nullptr, "file:///x", "file:///x"},
    {"file:///x ", nullptr, "file:///x", "file:///x "},
    {{"\000file:///x", 10}, nullptr, "file:///x", "file:///x"},
    {"file:///x? #", nullptr, "file:///x?%20#", "file:///x? "},
    {"http://h", "http://h/", "http://h/", "http://h"},
    {"http://h/", "http://h/", "http://h/", "http://h/"},
    {"HTTP://H:80/", "http://h/", "http://h/", "http://H:80/"},
    {"http://h:/x", "http://h/x", "http://h/x", "http://h:/x"},
    {"https://h:443/x", "https://h/x", "https://h/x", "https://h:443/x"},
    {"https://h:80/x", "https://h:80/x", "https://h:80/x", "https://h:80/x"},
    {"wss://h:443", "wss://h/", "wss://h/", "wss://h:443"},
    {"ftp://h:21/x", "ftp://h/x", "ftp://h/x", "ftp://h:21/x"},
    {"http://h:0080/x", nullptr, "http://h/x", "http://h:0080/x"},
    {"http://h:8080/x", "http://h:8080/x", "http://h:8080/x", "http://h:8080/x"},
    {"http:/h/x", nullptr, "http://h/x", "http:/h/x"},
    {"http:h/x", nullptr, "http://h/x", "http:h/x"},
    {"http:///h/x", nullptr, "http://h/x", "http:///h/x"},
    {"http:\\\\h\\x", nullptr, "http://h/x", "http:\\\\h\\x"},
    {"http://h\\x", nullptr, "http://h/x", "http://h\\x"},
    {"http://h/a\\b", nullptr, "http://h/a/b", "http://h/a\\b"},
    {"http://h?q=\\x", nullptr, "http://h/?q=\\x", "http://h?q=\\x"},
    {"http://u@h/x", nullptr, "http://u@h/x", "http://u@h/x"},
    {"http://u:p@h/x", nullptr, "http://u:p@h/x", "http://u:p@h/x"},
    {"http://@h/x", nullptr, "http://h/x", "http://@h/x"},
    {"http://h@/x", nullptr, nullptr, "http://h@/x"},
    {"http://%68/x", nullptr, "http://h/x", "http://%68/x"},
    {"http://gr\303\274n/x", nullptr, "http://xn--grn-ioa/x", "http://gr\303\274n/x"},
    {"http://gr%C3%BCn/x", nullptr, "http://xn--grn-ioa/x", "http://gr%C3%BCn/x"},
    {"http://\357\275\210/x", nullptr, "http://h/x", "http://\357\275\210/x"},
    {"http://h\343\200\202x/x", nullptr, "http://h.x/x", "http://h\343\200\202x/x"},
    {"http://xn--grn-hoa/x", "http://xn--grn-hoa/x", "http://xn--grn-hoa/x", "http://xn--grn-hoa/x"},
    {"http://h./x", nullptr, "http://h./x", "http://h./x"},
    {"http://a..b/x", nullptr, "http://a..b/x", "http://a..b/x"},
    {"http://127.1/x", nullptr, "http://127.0.0.1/x", "http://127.1/x"},
    {"http://0x7f000001/x", nullptr, "http://127.0.0.1/x", "http://0x7f000001/x"},
    {"http://017700000001/x", nullptr, "http://127.0.0.1/x", "http://017700000001/x"},
    {"http://2130706433/x", nullptr, "http://127.0.0.1/x", "http://2130706433/x"},
    {"http://127.0.0.1/x", "http://127.0.0.1/x", "http://127.0.0.1/x", "http://127.0.0.1/x"},
    {"http://127.0.0.01/x", nullptr, "http://127.0.0.1/x", "http://127.0.0.01/x"},
    {"http://256.0.0.1/x", nullptr, nullptr, "http://256.0.0.1/x"},
    {"http://1.2.3/x", nullptr, "http://1.2.0.3/x", "http://1.2.3/x"},
    {"http://h.1/x", nullptr, nullptr, "http://h.1/x"},
    {"http://[::1]/x", "http://[::1]/x", "http://[::1]/x", "http://[::1]/x"},
    {"http://[0:0:0:0:0:0:0:1]/x", nullptr, "http://[::1]/x", "http://[0:0:0:0:0:0:0:1]/x"},
    {"http://[::FFFF:1.2.3.4]/x", nullptr, "http://[::ffff:102:304]/x", "http://[::FFFF:1.2.3.4]/x"},
    {"http://[::ffff:102:304]/x", "http://[::ffff:102:304]/x", "http://[::ffff:102:304]/x", "http://[::ffff:102:304]/x"},
    {"http://[1:0:0:2::3]/x", "http://[1:0:0:2::3]/x", "http://[1:0:0:2::3]/x", "http://[1:0:0:2::3]/x"},
    {"http://[2001:DB8::1]/x", "http://[2001:db8::1]/x", "http://[2001:db8::1]/x", "http://[2001:DB8::1]/x"},
    {"http://h/a/../b", "http://h/b", "http://h/b", "http://h/a/../b"},
    {"http://h/../b", "http://h/b", "http://h/b", "http://h/../b"},
    {"http://h/a//../b", "http://h/a/b", "http://h/a/b", "http://h/a//../b"},
    {"http://h/C:/../x", nullptr, "http://h/x", "http://h/C:/../x"},
    {"http://h/a%2Fb/../c", nullptr, "http://h/c", "http://h/a%2Fb/../c"},
    {"http://h/x%3f/../y", nullptr, "http://h/y", "http://h/x%3f/../y"},
    {"http://h/%7Eu/%41", "http://h/~u/A", "http://h/%7Eu/%41", "http://h/%7Eu/%41"},
    {"http://h/?a=%2541", nullptr, "http://h/?a=%2541", "http://h/?a=%2541"},
    {"http://h/x?a=b#c", "http://h/x?a=b#c", "http://h/x?a=b#c", "http://h/x?a=b#c"},
    {"http://h/x?/../y", nullptr, "http://h/x?/../y", "http://h/x?/../y"},
    {"http://{host}/{+path}{?q}", "http://{host}/{+path}{?q}", "http://{host}/%7B+path%7D%7B?q}", "http://{host}/{+path}{?q}"},
    {"demo://secret", "demo://secret", "demo://secret", "demo://secret"},
    {"DEMO://secret", "demo://secret", "demo://secret", "demo://secret"},
    {"demo://Secret", "demo://Secret", "demo://Secret", "demo://Secret"},
    {" demo://secret", nullptr, "demo://secret", "demo://secret"},
    {"demo://secret ", nullptr, "demo://secret", "demo://secret "},
    {"demo://secret/", "demo://secret/", "demo://secret/", "demo://secret/"},
    {"demo://secret?", "demo://secret?", "demo://secret?", "demo://secret"},
    {"demo://secret#", "demo://secret#", "demo://secret#", "demo://secret"},
    {"demo://secret:", nullptr, "demo://secret", "demo://secret:"},
    {"demo://secret:080", nullptr, "demo://secret:80", "demo://secret:080"},
    {"demo://secret:80", "demo://secret:80", "demo://secret:80", "demo://secret:80"},
    {"demo://@secret", nullptr, "demo://secret", "demo://@secret"},
    {"demo://:@secret", nullptr, "demo://secret", "demo://:@secret"},
    {"demo://u:@secret", nullptr, "demo://u@secret", "demo://u:@secret"},
    {"demo://u::p@secret/x", nullptr, "demo://u:%3Ap@secret/x", "demo://u::p@secret/x"},
    {"demo://u@secret/x", "demo://u@secret/x", "demo://u@secret/x", "demo://u@secret/x"},
    {"demo://u@v@secret/x", nullptr, "demo://u%40v@secret/x", "demo://u@v@secret/x"},
    {"demo://u%40secret/x", nullptr, "demo://u%40secret/x", "demo://u%40secret/x"},
    {"demo://%73ecret", "demo://secret", "demo://%73ecret", "demo://%73ecret"},
    {"demo://se\012cret", nullptr, "demo://secret", "demo://secret"},
    {"demo://[::0001]/x", nullptr, "demo://[::1]/x", "demo://[::0001]/x"},
    {"demo://[::1]/x", "demo://[::1]/x", "demo://[::1]/x", "demo://[::1]/x"},
    {"demo:///x", "demo:///x", "demo:///x", "demo:///x"},
    {"demo:/x", "demo:/x", "demo:/x", "demo:/x"},
    {"demo:/.//h/x", nullptr, "demo:/.//h/x", "demo:/.//h/x"},
    {"demo:/%2Fh/x", nullptr, "demo:/%2Fh/x", "demo:/%2Fh/x"},
    {"demo://h/a/../b", "demo://h/b", "demo://h/b", "demo://h/a/../b"},
    {"demo://h/../..", nullptr, "demo://h", "demo://h/../.."},
    {"demo:///..", nullptr, "demo://", "demo:///.."},
    {"demo:/\012/..", nullptr, "demo://..", "demo://.."},
    {"memo:a/../b", nullptr, "memo:a/../b", "memo:a/../b"},
    {"memo:a%2Fb", "memo:a/b", "memo:a%2Fb", "memo:a%2Fb"},
    {"memo:x", "memo:x", "memo:x", "memo:x"},
    {"memo:x #f", nullptr, "memo:x #f", "memo:x #f"},
    {"file%3A///secret/x", nullptr, nullptr, "file%3A///secret/x"},
    {"note", "note", nullptr, "note"},
    {"/etc/../x", "/x", nullptr, "/etc/../x"}}));

}  // namespace
}  // namespace callgate::policy::uri_readers_test
