#include "catalogue/html.hpp"

#include <fmt/format.h>

#include <iterator>

#include "catalogue/escape.hpp"

namespace callgate::catalogue {
namespace {

class Writer {
 public:
  std::string write(const Page& page) {
    out_.reserve(16 * 1024);
    head(page);
    body(page);
    out_ += "</body>\n</html>\n";
    return std::move(out_);
  }

 private:
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  void head(const Page& page) {
    add("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'self' file:; style-src 'self' file:; img-src 'self' data:\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n<link rel=\"stylesheet\" href=\"{}style.css\">\n",
        html_text(page.title), html_attribute(page.root));
    add("<script src=\"{}page.js\" defer></script>\n", html_attribute(page.root));
    if (page.searchable) add("<script src=\"{}search.js\" defer></script>\n", html_attribute(page.root));
    out_ += "</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to content</a>\n";
  }

  void body(const Page& page) {
    if (!page.path.empty()) {
      out_ += "<nav aria-label=\"Path\"><ol class=\"path\">";
      for (const auto& [name, address] : page.path) {
        if (address.empty()) {
          add("<li aria-current=\"page\">{}</li>", html_text(name));
        } else {
          add("<li><a href=\"{}\">{}</a></li>", html_attribute(address), html_text(name));
        }
      }
      out_ += "</ol></nav>\n";
    }
    out_ += "<main id=\"main\">\n<h1>";
    line(page.heading);
    out_ += "</h1>\n";
    if (!page.badges.empty()) {
      out_ += "<p class=\"badges\">";
      line(page.badges);
      out_ += "</p>\n";
    }
    for (const Block& each : page.lead) block(each);
    for (const Section& section : page.sections) {
      add("<section aria-labelledby=\"{0}\">\n<h2 id=\"{0}\">{1}</h2>\n", html_attribute(section.id), html_text(section.heading));
      for (const Block& each : section.blocks) block(each);
      out_ += "</section>\n";
    }
    out_ += "</main>\n<footer>\n";
    for (const Line& each : page.foot) {
      out_ += "<p>";
      line(each);
      out_ += "</p>\n";
    }
    out_ += "</footer>\n";
  }

  void line(const Line& line) {
    for (const Inline& each : line) {
      switch (each.kind) {
        case Inline::Kind::text: out_ += html_text(each.text); break;
        case Inline::Kind::code: add("<code>{}</code>", html_text(each.text)); break;
        case Inline::Kind::quote: add("<q>{}</q>", html_text(each.text)); break;
        case Inline::Kind::link: add("<a href=\"{}\">{}</a>", html_attribute(each.address), html_text(each.text)); break;
        case Inline::Kind::badge: add("<span class=\"badge {}\">{}</span> ", html_attribute(each.address), html_text(each.text)); break;
      }
    }
  }

  void items(std::string_view tag, const Block& block) {
    add("<{}>\n", tag);
    for (const Line& each : block.items) {
      out_ += "<li>";
      line(each);
      out_ += "</li>\n";
    }
    add("</{}>\n", tag);
  }

  void found(const Found& by) {
    add(" data-words=\"{}\" data-signals=\"{}\"", html_attribute(by.words), html_attribute(by.signals));
    if (!by.state.empty()) add(" data-state=\"{}\"", html_attribute(by.state));
  }

  void table(const Block& block) {
    add("<div class=\"wide\" role=\"group\" tabindex=\"0\" aria-label=\"Table\"><table{}>\n", block.sortable ? " class=\"sortable\"" : "");
    if (block.kind == Block::Kind::table) {
      out_ += "<thead><tr>";
      for (const std::string& column : block.columns) add("<th scope=\"col\">{}</th>", html_text(column));
      out_ += "</tr></thead>\n";
    }
    out_ += "<tbody>\n";
    for (std::size_t at = 0; at < block.rows.size(); ++at) {
      const auto& row = block.rows[at];
      out_ += "<tr";
      if (at < block.found.size()) found(block.found[at]);
      out_ += '>';
      for (std::size_t i = 0; i < row.size(); ++i) {
        out_ += i == 0 ? "<th scope=\"row\">" : "<td>";
        line(row[i]);
        out_ += i == 0 ? "</th>" : "</td>";
      }
      out_ += "</tr>\n";
    }
    out_ += "</tbody></table></div>\n";
  }

  void block(const Block& block) {
    switch (block.kind) {
      case Block::Kind::paragraph:
      case Block::Kind::heading: {
        const std::string_view tag = block.kind == Block::Kind::heading ? "h3" : "p";
        add("<{}>", tag);
        line(block.line);
        add("</{}>\n", tag);
        break;
      }
      case Block::Kind::list: items("ul", block); break;
      case Block::Kind::steps: items("ol", block); break;
      case Block::Kind::facts:
      case Block::Kind::table: table(block); break;
      case Block::Kind::snippet: add("<pre tabindex=\"0\"><code>{}</code></pre>\n", html_text(block.snippet)); break;
      case Block::Kind::fold:
        out_ += "<details><summary>";
        line(block.line);
        out_ += "</summary>\n";
        for (const Block& each : block.blocks) this->block(each);
        out_ += "</details>\n";
        break;
    }
  }

  std::string out_;
};

}  // namespace

std::string to_html(const Page& page) { return Writer().write(page); }

}  // namespace callgate::catalogue
