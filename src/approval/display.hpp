#pragma once

#include <string>
#include <string_view>

/// What a person reads before answering must be what will run. Pure.
namespace callgate::approval {

/// `text` with every character that a screen does not show, or shows in another
/// order or width than it stands there, written as `\u{202e}`: controls, bidi
/// marks, zero-width and filler characters, spaces other than U+0020, line
/// separators, variation selectors, tags, private use and noncharacters
/// (Unicode TR36, "trojan source" CVE-2021-42574). Bytes that are no UTF-8
/// become `\x{ff}`. The escape cannot be forged inside JSON text, where a
/// backslash before `u` is always followed by four hex digits.
std::string visible(std::string_view text);

}  // namespace callgate::approval
