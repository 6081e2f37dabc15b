#include "approval/display.hpp"

#include <gtest/gtest.h>

#include <string>

#include "approval/question.hpp"

namespace callgate::approval::display_test {
namespace {

struct Shown {
  std::string name;
  std::string text;
  std::string shown;
};

class Visible : public testing::TestWithParam<Shown> {};

/// Security requirement S20: a person sees what a screen hides.
TEST_P(Visible, WritesOutWhatAScreenHides) { EXPECT_EQ(visible(GetParam().text), GetParam().shown); }

INSTANTIATE_TEST_SUITE_P(
    Display, Visible,
    testing::Values(Shown{"plain_json", R"({"key":"a b"})", R"({"key":"a b"})"},
                    Shown{"letters_of_other_scripts", "Zürich 東京 שלום", "Zürich 東京 שלום"},
                    Shown{"emoji", "\U0001F600", "\U0001F600"},
                    Shown{"newline_and_escape", "a\n\x1b[2J", R"(a\u{000a}\u{001b}[2J)"},
                    Shown{"delete_and_c1", "\x7f\u0085", R"(\u{007f}\u{0085})"},
                    Shown{"bidi_override", "a\u202Eb", R"(a\u{202e}b)"},
                    Shown{"bidi_isolate", "\u2066x\u2069", R"(\u{2066}x\u{2069})"},
                    Shown{"arabic_mark", "\u061C", R"(\u{061c})"},
                    Shown{"zero_width", "pay\u200Bpal\uFEFF", R"(pay\u{200b}pal\u{feff})"},
                    Shown{"line_separator", "a\u2028b", R"(a\u{2028}b)"},
                    Shown{"no_break_space", "a\u00A0b", R"(a\u{00a0}b)"},
                    Shown{"soft_hyphen", "a\u00ADb", R"(a\u{00ad}b)"},
                    Shown{"hangul_filler", "\u3164", R"(\u{3164})"},
                    Shown{"tag_characters", "\U000E0041", R"(\u{e0041})"},
                    Shown{"variation_selector", "a\uFE0F", R"(a\u{fe0f})"},
                    Shown{"private_use", "\uE000", R"(\u{e000})"},
                    Shown{"stray_bytes", "a\xff\xc3", R"(a\x{ff}\x{c3})"},
                    Shown{"overlong", "\xc0\xaf", R"(\x{c0}\x{af})"},
                    Shown{"surrogate", "\xed\xa0\x80", R"(\x{ed}\x{a0}\x{80})"},
                    Shown{"beyond_unicode", "\xf4\x90\x80\x80", R"(\x{f4}\x{90}\x{80}\x{80})"},
                    Shown{"cut_short", "\xe2\x80", R"(\x{e2}\x{80})"}),
    [](const auto& row) { return row.param.name; });

TEST(Display, ShownTextShowsAsItself) {
  for (const char* text : {"a\u202Eb", "\xff", "plain", "\n"}) EXPECT_EQ(visible(visible(text)), visible(text));
}

TEST(Words, EveryStateHasOneAndComesBackFromIt) {
  for (int i = 0; i < 6; ++i) {
    const auto state = static_cast<State>(i);
    EXPECT_EQ(state_of(word(state)), state);
  }
  EXPECT_EQ(state_of("pending"), std::nullopt);
}

}  // namespace
}  // namespace callgate::approval::display_test
