// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <gtest/gtest.h>
#include <iconv.h>

#include <cstdint>
#include <string>

namespace cowshed {
namespace {

/// What libc makes of it.
bool iconv_takes(std::string text) {
  static const iconv_t converter = ::iconv_open("UTF-32LE", "UTF-8");
  char* from = text.data();
  std::size_t left = text.size();
  std::string into(text.size() * 4 + 4, '\0');
  char* to = into.data();
  std::size_t room = into.size();
  ::iconv(converter, nullptr, nullptr, nullptr, nullptr);
  return ::iconv(converter, &from, &left, &to, &room) != static_cast<std::size_t>(-1);
}

bool has_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return true;
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}

TEST(Utf8, OfAllShortTextsTheSameArePlainAsForIconv) {
  std::string text;
  for (std::uint32_t i = 0; i < 1U << 16U; ++i) {
    text = {static_cast<char>(i >> 8U), static_cast<char>(i & 0xffU)};
    ASSERT_EQ(is_plain_text(text), iconv_takes(text) && !has_control(text)) << std::hex << i;
  }
}

TEST(Utf8, LongerCharactersAreTakenWhereTheyAreWrittenAsShortAsCanBe) {
  for (const char* good : {"", "root.img", "Grüße", "\u20ac", "\U0001f600", "\u00a0", "\U0010ffff"})
    EXPECT_TRUE(is_plain_text(good)) << good;
  for (const char* bad : {"\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xe2\x82",
                          "\xf8\x88\x80\x80\x80", "\x9b", "a\xc2\x9b", "\xc2\x80", "\xc2\x9f"})
    EXPECT_FALSE(is_plain_text(bad)) << bad;
}

}  // namespace
}  // namespace cowshed
