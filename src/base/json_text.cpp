#include <algorithm>

#include "base/json.hpp"
#include "base/json_scan.hpp"
#include "base/utf8.hpp"

namespace callgate::json {

namespace {

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0U | (code >> 6U));
    out += static_cast<char>(0x80U | (code & 0x3fU));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0U | (code >> 12U));
    out += static_cast<char>(0x80U | ((code >> 6U) & 0x3fU));
    out += static_cast<char>(0x80U | (code & 0x3fU));
  } else {
    out += static_cast<char>(0xf0U | (code >> 18U));
    out += static_cast<char>(0x80U | ((code >> 12U) & 0x3fU));
    out += static_cast<char>(0x80U | ((code >> 6U) & 0x3fU));
    out += static_cast<char>(0x80U | (code & 0x3fU));
  }
}

void append_escape(std::string& out, unsigned char byte) {
  switch (byte) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  constexpr std::string_view hex = "0123456789abcdef";
  out += "\\u00";
  out += hex[byte >> 4U];
  out += hex[byte & 0xfU];
}

std::string replace_invalid(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    out += length == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return out;
}

}  // namespace

void append_minimal(std::string& out, std::string_view text) {
  out += '"';
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const char* stop = find_string_stop(p, end);
    out.append(p, stop);
    if (stop == end) break;
    append_escape(out, static_cast<unsigned char>(*stop));
    p = stop + 1;
  }
  out += '"';
}

void append_quoted(std::string& out, std::string_view text) {
  if (!is_utf8(text)) return append_quoted(out, replace_invalid(text));
  const std::size_t first = out.size();
  append_minimal(out, text);
  // U+2028 and U+2029 end lines for some readers of logs and pages.
  for (std::size_t at = out.find("\xe2\x80", first); at != std::string::npos; at = out.find("\xe2\x80", at + 1)) {
    if (at + 2 >= out.size() || (out[at + 2] != '\xa8' && out[at + 2] != '\xa9')) continue;
    out.replace(at, 3, out[at + 2] == '\xa8' ? "\\u2028" : "\\u2029");
  }
}

std::string quoted(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

void append_unescaped(std::string& out, std::string_view raw) {
  std::size_t at = 0;
  for (;;) {
    const std::size_t slash = raw.find('\\', at);
    if (slash == std::string_view::npos) break;
    out += raw.substr(at, slash - at);
    at = slash + 2;
    switch (raw[slash + 1]) {
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'u': {
        auto code = static_cast<std::uint32_t>(hex4(raw.data() + at));
        at += 4;
        if (code >= 0xd800 && code <= 0xdbff) {
          const auto low = static_cast<std::uint32_t>(hex4(raw.data() + at + 2));
          code = 0x10000U + ((code - 0xd800U) << 10U) + (low - 0xdc00U);
          at += 6;
        }
        append_utf8(out, code);
        break;
      }
      default: out += raw[slash + 1];
    }
  }
  out += raw.substr(at);
}

}  // namespace callgate::json
