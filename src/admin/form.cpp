#include "admin/form.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/utf8.hpp"

namespace callgate::admin {
namespace {

Result<std::string> decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const std::string_view hex = text.substr(i + 1, 2);
    unsigned char c = 0;
    const auto [end, fault] = std::from_chars(hex.data(), hex.data() + hex.size(), c, 16);
    if (hex.size() != 2 || fault != std::errc() || end != hex.data() + 2)
      return fail(ErrorKind::invalid, "a `%` in the form is not followed by two hex digits");
    out += static_cast<char>(c);
    i += 2;
  }
  if (!is_utf8(out)) return fail(ErrorKind::invalid, "a field of the form is no UTF-8");
  return out;
}

}  // namespace

Result<std::vector<std::string>> read_form(std::string_view body, std::span<const std::string_view> keys) {
  std::vector<std::string> out(keys.size());
  std::vector<bool> seen(keys.size());
  while (!body.empty()) {
    const std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(pair.size() + 1, body.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const Result<std::string> key = decoded(pair.substr(0, equals));
    if (!key) return std::unexpected(key.error());
    const auto known = std::ranges::find(keys, *key);
    if (known == keys.end()) return fail(ErrorKind::invalid, fmt::format("`{}` is no field of this form", *key));
    const auto at = static_cast<std::size_t>(known - keys.begin());
    if (seen[at]) return fail(ErrorKind::invalid, fmt::format("the form says `{}` twice", *key));
    Result<std::string> value = decoded(pair.substr(std::min(equals + 1, pair.size())));
    if (!value) return std::unexpected(value.error());
    out[at] = *std::move(value);
    seen[at] = true;
  }
  return out;
}

}  // namespace callgate::admin
