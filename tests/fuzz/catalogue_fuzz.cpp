#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "catalogue/site.hpp"
#include "classify/classifier.hpp"

/// Any JSON text as a server's list, and as its name: no file leads out of the
/// folder, no page holds a tag that its text brought along, every twin is JSON.
namespace {

using namespace callgate;

void expect(bool holds) {
  if (!holds) std::abort();
}

std::size_t count(std::string_view text, std::string_view word) {
  std::size_t found = 0;
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

void check(const std::string& path, std::string_view bytes) {
  expect(!path.starts_with('/') && !path.starts_with('.') && path.find("/.") == std::string::npos && count(path, "/") <= 1);
  if (path.ends_with(".json")) expect(json::OwnedDocument::parse(std::string(bytes), {.max_depth = 600, .check_number_range = false}).has_value());
  if (!path.ends_with(".html")) return;
  // Each page has the one for tables and buttons, the first that for the search too.
  expect(count(bytes, "<script") == (path == "index.html" ? 2U : 1U));
  expect(count(bytes, "<img") + count(bytes, "<svg") + count(bytes, "<iframe") + count(bytes, "<style") == 0);
  expect(count(bytes, "<h1>") == 1 && count(bytes, "</html>") == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const classify::Classifier classifier;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  json::Document document;
  if (!json::parse(text, {.max_depth = 520, .check_number_range = false}, document)) return 0;
  catalogue::ServerInput server{.facts = {.id = std::string(text.substr(0, 40))}};
  if (document.root().is_array()) {
    for (const json::Value each : document.root().elements()) server.definitions.push_back(each);
  } else {
    server.definitions.push_back(document.root());
  }
  server.tools = classifier.classify_list(server.definitions, classify::Hinting::untrusted);
  server.policy = generate::generate_policy(server.facts.id, server.definitions, server.tools);
  catalogue::write_site({&server, 1}, classifier.version(), check);
  return 0;
}
