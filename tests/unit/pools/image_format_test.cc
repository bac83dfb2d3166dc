// SPDX-License-Identifier: Apache-2.0
#include "pools/image_format.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "support/errors.h"

namespace cowshed::pools {
namespace {

using Start = std::vector<std::byte>;

Start with(std::size_t offset, const std::string& text, Start start = Start(image_start)) {
  std::memcpy(start.data() + offset, text.data(), text.size());
  return start;
}

const std::string qcow2_magic = "QFI\xfb";
std::string number(std::uint64_t value, int length) {
  std::string text;
  for (int i = length; i-- > 0;) text += static_cast<char>(value >> (8 * i));
  return text;
}

void expect_refused(ImageFormat format, const Start& start) {
  const auto error = test::error_of([&] { refuse_other_files(format, start); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind(), ErrorKind::not_supported) << error->message();
}

TEST(ImageFormatTest, AFormatIsToldByItsMagicNumberAndTheRestIsRaw) {
  EXPECT_EQ(detect_format(with(0, qcow2_magic)), ImageFormat::qcow2);
  EXPECT_EQ(detect_format(with(0, "KDMV")), ImageFormat::vmdk);
  EXPECT_EQ(detect_format(with(0, "COWD")), ImageFormat::vmdk);
  EXPECT_EQ(detect_format(with(0, "# Disk DescriptorFile\n")), ImageFormat::vmdk);
  EXPECT_EQ(detect_format(with(64, "\x7f\x10\xda\xbe")), ImageFormat::vdi);
  EXPECT_EQ(detect_format(with(1, qcow2_magic)), ImageFormat::raw);
  EXPECT_EQ(detect_format(Start(image_start)), ImageFormat::raw);
}

TEST(ImageFormatTest, AFileThatEndsEarlyIsRaw) {
  const Start qcow2 = with(0, qcow2_magic), vdi = with(64, "\x7f\x10\xda\xbe");
  for (const std::size_t length : {0, 1, 3})
    EXPECT_EQ(detect_format(std::span(qcow2).first(length)), ImageFormat::raw);
  EXPECT_EQ(detect_format(std::span(vdi).first(67)), ImageFormat::raw);
}

TEST(ImageFormatTest, AQcow2WithABackingFileIsRefusedWhateverItsVersion) {
  for (const int version : {1, 2, 3}) {
    const auto start = with(4, number(static_cast<std::uint64_t>(version), 4), with(0, qcow2_magic));
    EXPECT_FALSE(test::error_of([&] { refuse_other_files(ImageFormat::qcow2, start); }).has_value());
    expect_refused(ImageFormat::qcow2, with(8, number(512, 8), start));
    expect_refused(ImageFormat::qcow2, with(8, number(1ULL << 63, 8), start));
  }
}

TEST(ImageFormatTest, AQcow2WithAnExternalDataFileIsRefused) {
  const auto start = with(4, number(3, 4), with(0, qcow2_magic));
  expect_refused(ImageFormat::qcow2, with(72, number(4, 8), start));
  expect_refused(ImageFormat::qcow2, with(72, number(7, 8), start));
  EXPECT_FALSE(
      test::error_of([&] { refuse_other_files(ImageFormat::qcow2, with(72, number(3, 8), start)); }));
}

TEST(ImageFormatTest, AVmdkThatIsOnlyADescriptorIsRefused) {
  expect_refused(ImageFormat::vmdk, with(0, "# Disk DescriptorFile\nversion=1\n"));
  expect_refused(ImageFormat::vmdk, with(0, "KDMV"));
  EXPECT_FALSE(
      test::error_of([&] { refuse_other_files(ImageFormat::vmdk, with(12, "\1", with(0, "KDMV"))); }));
}

TEST(ImageFormatTest, NamesAreReadBackAndOthersAreRefused) {
  for (const auto format : {ImageFormat::raw, ImageFormat::qcow2, ImageFormat::vmdk, ImageFormat::vdi})
    EXPECT_EQ(parse_image_format(to_string(format)), format);
  EXPECT_TRUE(test::error_of([] { parse_image_format("vhdx"); }).has_value());
}

}  // namespace
}  // namespace cowshed::pools
