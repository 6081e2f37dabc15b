#include "admin/page_text.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "admin/html.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/random.hpp"
#include "base/sha256.hpp"

namespace callgate::admin {
namespace {

using approval::Approval;
using approval::State;

// Every character stands where it stands in the text, whatever script it belongs to, and no blank runs out of sight.
constexpr Markup style =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}"
    "h1{font-size:1.4rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{color:#595959}dd{margin:0}"
    "dd,pre{direction:ltr;unicode-bidi:bidi-override;overflow-wrap:anywhere;white-space:break-spaces}"
    "pre{border:1px solid #8a8a8a;padding:1rem;font:15px/1.45 ui-monospace,monospace}"
    ".note{border-left:4px solid #8a5a00;padding:.3rem 1rem;background:#fff6e0}"
    "input,textarea{font:inherit;width:100%;box-sizing:border-box;padding:.4rem}"
    "button{font:inherit;padding:.5rem 1.5rem;margin:1rem 1rem 0 0;border:1px solid #1b1b1b;background:#f2f2f2}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}dt{color:#b3b3b3}.note{background:#3a2f14}"
    "input,textarea,button{color:#eee;background:#2a2a2a;border:1px solid #b3b3b3}}";

/// The one style that the pages may have, by its hash (CSP level 3, section 2.3.1).
const std::string& content_policy() {
  static const std::string policy = [] {
    const Digest digest = sha256(style.text);
    std::string hash = base64url(digest);
    for (char& c : hash) c = c == '-' ? '+' : c == '_' ? '/' : c;
    return fmt::format("default-src 'none'; style-src 'sha256-{}='; form-action 'self'; base-uri 'none'; frame-ancestors 'none'", hash);
  }();
  return policy;
}

/// A form tells its origin to nobody under `no-referrer`, not even to this
/// listener, so the pages say `same-origin`: nobody else hears where they were.
ApiResponse answer_html(int status, std::string body) {
  return {.status = status,
          .headers = {{"Content-Type", "text/html; charset=utf-8"},
                      {"Cache-Control", "no-store"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"X-Frame-Options", "DENY"},
                      {"Referrer-Policy", "same-origin"},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"Cross-Origin-Resource-Policy", "same-origin"},
                      {"Content-Security-Policy", content_policy()}},
          .body = std::move(body)};
}

Html begin_page(Markup title) {
  Html page;
  page.markup("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
              "<meta name=\"robots\" content=\"noindex\"><title>Callgate</title><style>")
      .markup(style)
      .markup("</style></head><body>\n<h1>")
      .markup(title)
      .markup("</h1>\n");
  return page;
}

void append_note(Html& page, std::string_view note) {
  if (!note.empty()) page.markup("<p class=\"note\" role=\"status\">").text(note).markup("</p>\n");
}

std::string end_page(Html& page) { return page.markup("</body></html>\n").done(); }

void append_row(Html& page, Markup name, std::string_view value) {
  if (!value.empty()) page.markup("<dt>").markup(name).markup("</dt><dd>").text(value).markup("</dd>\n");
}

void append_facts(Html& page, const Approval& approval) {
  const approval::Question& question = approval.question;
  page.markup("<dl>\n");
  append_row(page, "Server", question.binding.server);
  append_row(page, "Address", question.binding.address);
  append_row(page, "Tool", question.binding.tool);
  append_row(page, "Definition", question.binding.definition);
  append_row(page, "Asked by", question.binding.grant.empty() ? std::string_view("anybody (no authentication)") : std::string_view(question.binding.grant));
  append_row(page, "Session", question.session);
  append_row(page, "Rule", question.rule);
  append_row(page, "Reason", question.reason);
  append_row(page, "Asked at", utc_text(approval.asked_at_ms));
  append_row(page, approval.state == State::approved ? Markup("Good until") : Markup("Open until"), utc_text(approval.expires_at_ms));
  if (!question.binding.rest_digest.empty())
    append_row(page, "Besides", fmt::format("the call says more than its arguments (SHA-256 {}); it is bound to that too", question.binding.rest_digest));
  page.markup("</dl>\n");
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void append_arguments(Html& page, const Approval& approval) {
  const std::string& arguments = approval.question.arguments;
  page.markup("<h2>Arguments</h2>\n<pre>").json(arguments.empty() ? std::string_view("null") : arguments).markup("</pre>\n<dl>\n");
  append_row(page, "Bytes", std::to_string(arguments.size()));
  append_row(page, "SHA-256", approval.question.binding.args_digest);
  if (!is_ascii(arguments))
    append_row(page, "Letters", "some are outside ASCII: one may look like another (a Cyrillic \xd0\xb0 like a Latin a)");
  page.markup("</dl>\n");
}

void append_answer_form(Html& page, const Approval& approval, std::string_view proof) {
  page.markup("<form method=\"post\" action=\"/approve/").text(approval.id).markup("\">\n<input type=\"hidden\" name=\"proof\" value=\"").text(proof);
  page.markup("\">\n<input type=\"hidden\" name=\"shown\" value=\"").text(approval.question.binding.args_digest);
  page.markup("\">\n<label>What the agent is told (you may leave it empty)<textarea name=\"reason\" rows=\"2\" maxlength=\"1000\"></textarea></label>\n"
              "<button name=\"answer\" value=\"deny\">Deny</button><button name=\"answer\" value=\"approve\">Approve this call, once</button>\n</form>\n");
}

void append_outcome(Html& page, const Approval& approval) {
  page.markup("<dl>\n");
  append_row(page, "State", word(approval.state));
  if (approval.answered_at_ms != 0) {
    append_row(page, "Answered at", utc_text(approval.answered_at_ms));
    append_row(page, "Answered by", approval.answered_by);
    append_row(page, "With the words", approval.answer_reason);
  }
  page.markup("</dl>\n");
}

}  // namespace

ApiResponse sign_in_page(int status, std::string_view id, std::string_view note) {
  Html page = begin_page("Sign in to answer");
  append_note(page, note);
  page.markup("<form method=\"post\" action=\"/approve/").text(id).markup("/sign-in\">\n<label>The token in <code>admin.token</code> of the gateway's data folder"
              "<input type=\"password\" name=\"token\" autocomplete=\"off\" required autofocus></label>\n<button>Sign in</button>\n</form>\n"
              // A link from elsewhere brings no cookie along; one from here does.
              "<p>Signed in already, within half an hour? <a href=\"/approve/").text(id).markup("\">Open the question</a>.</p>\n");
  return answer_html(status, end_page(page));
}

ApiResponse question_page(int status, const Approval& approval, std::string_view proof, std::string_view note) {
  const bool waits = approval.state == State::waiting;
  Html page = begin_page(waits ? Markup("An agent asks: may this call run?") : Markup("This question waits no longer"));
  append_note(page, note);
  if (!waits) append_outcome(page, approval);
  append_facts(page, approval);
  append_arguments(page, approval);
  if (waits) append_answer_form(page, approval, proof);
  return answer_html(status, end_page(page));
}

ApiResponse message_page(int status, std::string_view text) {
  Html page = begin_page("Callgate");
  append_note(page, text);
  return answer_html(status, end_page(page));
}

ApiResponse see_other(std::string target) {
  ApiResponse response = answer_html(303, {});
  response.headers.emplace_back("Location", std::move(target));
  return response;
}

}  // namespace callgate::admin
