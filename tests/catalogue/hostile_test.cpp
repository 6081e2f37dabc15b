#include <gmock/gmock.h>

#include <set>

#include "catalogue/escape.hpp"
#include "catalogue/world.hpp"

namespace callgate::catalogue::hostile_test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Escape, TextIsNeverMarkUp) {
  EXPECT_EQ(html_text("<b>&\"'"), "&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(html_text("a\u202e\u200bb"), "a<span class=\"odd\">\\u202e</span><span class=\"odd\">\\u200b</span>b");
  EXPECT_EQ(html_text("größer\n\tx"), "größer\n\tx");
}

TEST(Escape, AnAttributeStaysWithinItsQuotes) {
  EXPECT_EQ(html_attribute("\" onx=\"1"), "&quot; onx=&quot;1");
  EXPECT_EQ(html_attribute("a\nb\u202e"), "a b\\u202e");
}

TEST(Escape, AnAddressHasNoSchemeAndNoPath) {
  EXPECT_EQ(url_segment("javascript:alert(1)"), "javascript%3Aalert%281%29");
  EXPECT_EQ(url_segment("a/../b%2F"), "a%2F..%2Fb%252F");
  EXPECT_EQ(file_name("../x", false), "%2E.%2Fx");
}

TEST(Escape, ALineOfMarkdownHasNoLinkAndNoHeading) {
  EXPECT_EQ(markdown_line("# [x](http://y) `z`\n<b>"), "\\# \\[x\\]\\(http://y\\) \\`z\\`\\\\u000a\\<b\\>");
}

TEST(Escape, WhatLooksLikeAKeyIsMasked) {
  for (const char* secret : {"\"sk-abcdefghijklmnop\"", "\"ghp_0123456789abcdef\"", "\"AKIAIOSFODNN7EXAMPLE\"", "\"d41d8cd98f00b204e9800998ecf8427e\""}) EXPECT_EQ(without_secrets(secret), "***") << secret;
  for (const char* plain : {"\"us-east-1\"", "10", "\"markdown\"", "\"2026-01-02T03:04:05Z\""}) EXPECT_EQ(without_secrets(plain), plain);
}

/// Tags and attributes that our own renderer writes; nothing else may stand in a page.
void check_markup(const std::string& path, const std::string& page) {
  static const std::set<std::string> tags{"!doctype", "html", "head", "meta", "title", "link", "script", "body", "a", "nav", "ol", "ul", "li", "main", "h1", "h2", "h3", "p", "span", "code", "q", "section",
                                          "div", "table", "thead", "tbody", "tr", "th", "td", "pre", "details", "summary", "footer"};
  static const std::set<std::string> attributes{"html", "lang", "charset", "http-equiv", "content", "name", "rel", "href", "src", "defer", "class", "id", "aria-label", "aria-labelledby", "scope", "tabindex", "role", "aria-current", "data-words", "data-signals", "data-state"};
  std::size_t scripts = 0;
  for (std::size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
    const std::size_t end = page.find('>', at);
    ASSERT_NE(end, std::string::npos) << path;
    std::string tag = page.substr(at + 1, end - at - 1);
    if (tag.starts_with('/')) tag.erase(0, 1);
    const std::string name = tag.substr(0, tag.find(' '));
    EXPECT_TRUE(tags.contains(name)) << path << ": <" << tag << ">";
    scripts += name == "script" && page[at + 1] != '/' ? 1U : 0U;
    for (std::size_t space = tag.find(' '); space != std::string::npos;) {
      const std::size_t equals = tag.find_first_of("= ", space + 1);
      EXPECT_TRUE(attributes.contains(tag.substr(space + 1, equals - space - 1))) << path << ": <" << tag << ">";
      if (equals == std::string::npos || tag[equals] == ' ') {
        space = equals;
        continue;
      }
      ASSERT_EQ(tag[equals + 1], '"') << path << ": <" << tag << ">";
      const std::size_t close = tag.find('"', equals + 2);
      ASSERT_NE(close, std::string::npos) << path << ": <" << tag << ">";
      const std::string value = tag.substr(equals + 2, close - equals - 2);
      if (tag.substr(space + 1, 4) == "href") EXPECT_TRUE(value.find(':') == std::string::npos || value.starts_with("https://")) << path << ": " << value;
      space = close + 1 < tag.size() ? close + 1 : std::string::npos;
    }
  }
  EXPECT_EQ(scripts, path == "index.html" ? 2U : 1U) << path;
}

/// A server whose every string is hostile, in every place that a list has.
std::string hostile_list() {
  const std::vector<std::string> texts{"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'-alert(1)-'", "</title><svg onload=alert(1)>", "javascript:alert(1)", "]]><!--", "`x` [y](http://evil.example) # z",
                                       "a\u2028b\u2029c\u202ed\u200be", "&lt;script&gt;", "{tool} {{server}}", "\nexpect:\n  - x", "%3Cscript%3E"};
  std::string list = "[";
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string text = json::quoted(texts[i]);
    const std::string name = json::quoted(i % 2 == 0 ? texts[i] : "update_thing_" + std::to_string(i));
    list += (i == 0 ? "" : ",") + std::string("{\"name\":") + name + ",\"title\":" + text + ",\"description\":" + json::quoted("Delete a thing. " + texts[i]) + ",\"annotations\":{\"title\":" + text +
            ",\"readOnlyHint\":true},\"inputSchema\":{\"type\":\"object\",\"description\":" + text + ",\"properties\":{" + text + ":{\"type\":\"string\",\"title\":" + text + ",\"description\":" +
            json::quoted(texts[i] + " at most 5 characters " + texts[i]) + ",\"default\":" + text + "},\"action\":{\"enum\":[\"create\",\"delete\"," + text + "]},\"b\":{\"enum\":[" + text +
            "]},\"c\":{\"type\":\"string\",\"pattern\":" + text + ",\"examples\":[" + text + "]}},\"required\":[" + text + "]},\"outputSchema\":{\"description\":" + text + "}}";
  }
  return list + "]";
}

TEST(HostileServer, AddsNoElementNoScriptAndNoLink) {
  const Pages pages({{"<script>alert(1)</script>", hostile_list()}, {"\"onload=\"x", hostile_list()}, {"a\u202eb", hostile_list()}});
  std::size_t checked = 0;
  for (const auto& [path, bytes] : pages.files) {
    if (!path.ends_with(".html")) continue;
    check_markup(path, bytes);
    EXPECT_THAT(bytes, Not(HasSubstr("\u202e"))) << path;
    EXPECT_THAT(bytes, Not(HasSubstr("href=\"http://evil"))) << path;
    ++checked;
  }
  EXPECT_EQ(checked, 1U + 3U * (1U + 12U));
}

TEST(HostileServer, LeavesEveryTwinWellFormed) {
  const Pages pages({{"<script>", hostile_list()}});
  for (const auto& [path, bytes] : pages.files) {
    if (path.ends_with(".json")) EXPECT_TRUE(json::OwnedDocument::parse(bytes)) << path << "\n" << bytes;
    if (path.ends_with(".yaml")) EXPECT_NE(policy::load(bytes, path).policy, nullptr) << path << "\n" << bytes;
  }
  const std::string& text = pages.file("llms.txt");
  EXPECT_THAT(text, Not(HasSubstr("](http://evil")));
  EXPECT_THAT(text, Not(HasSubstr("\u2028")));
  EXPECT_THAT(text, Not(HasSubstr("<script>")));
}

}  // namespace
}  // namespace callgate::catalogue::hostile_test
