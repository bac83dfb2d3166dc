// SPDX-License-Identifier: Apache-2.0
#include "copy_fixture.h"
#include "io/copy.h"

namespace cowshed::io {
namespace {

using test::fails;
using test::random_content;

constexpr Bytes file_size = mebibytes(4);

class ZeroesTest : public test::CopyTest {
 protected:
  /// A source with data in the first 64 KiB, in one block in the middle and in the last; the rest is zeros,
  /// in blocks and not as holes.
  void SetUp() override {
    CopyTest::SetUp();
    from_.replace(0, 65'536, random_content(kibibytes(64), 7));
    from_.replace(2 << 20, 4096, random_content(kibibytes(4), 8));
    from_.back() = 'x';
    fill(source(), from_);
    fill(target(), random_content(file_size, 9));
    options_.zeroes = Zeroes::punch;
  }
  static std::vector<Extent> whole() { return {{{0}, {0}, file_size}}; }

  std::string from_ = std::string(file_size.count, '\0');
};

TEST_P(ZeroesTest, AreWrittenUnlessAsked) {
  options_.zeroes = Zeroes::write;
  const auto report = copy(whole());
  EXPECT_TRUE(content(target()) == from_);
  EXPECT_GE(allocated(target()), file_size);
  EXPECT_EQ(report.zeroes, Bytes{0});
}

TEST_P(ZeroesTest, BecomeHolesInBothModes) {
  for (const bool direct : {false, true}) {
    fill(target(), random_content(file_size, 9));
    source_is_direct_ = target_is_direct_ = direct;
    const auto report = copy(whole());
    EXPECT_TRUE(content(target()) == from_);
    EXPECT_LE(allocated(target()), kibibytes(128));
    EXPECT_EQ(report.copied, kibibytes(64 + 4 + 4));
    EXPECT_EQ(report.zeroes, file_size - report.copied);
  }
}

TEST_P(ZeroesTest, AreLeftOutWhereTheTargetIsNew) {
  fill(target(), "");
  std::filesystem::resize_file(target(), file_size.count);
  options_.zeroes = Zeroes::skip;
  copy(whole());
  EXPECT_TRUE(content(target()) == from_);
  EXPECT_LE(allocated(target()), kibibytes(128));
  EXPECT_TRUE(watch_.all(Op::punch).empty());
}

TEST_P(ZeroesTest, CountOnlyInWholeBlocks) {
  options_.zero_block = mebibytes(1);
  copy(whole());
  EXPECT_TRUE(content(target()) == from_);
  EXPECT_EQ(watch_.all(Op::punch).size(), 1u) << "the second MiB is the only one of zeros alone";
}

TEST_P(ZeroesTest, AreFoundWhereverABufferBegins) {
  options_.zero_block = kibibytes(256);
  options_.memory = mebibytes(1);
  options_.bytes_per_second = gibibytes(1);
  const auto report = copy({{kibibytes(100), kibibytes(100), file_size - kibibytes(100)}});
  // All blocks but the first, which the extent is only a part of, and two with data.
  EXPECT_EQ(report.zeroes, kibibytes(256) * (16 - 3));
}

TEST_P(ZeroesTest, OfUnalignedExtentsAreFoundByBlocksOfTheTarget) {
  const std::string before = content(target());
  const std::vector<Extent> extents = {{{65'536 + 5}, {10'000}, {100'000}}};
  copy(extents);
  EXPECT_TRUE(content(target()) == test::modelled(from_, before, extents));
  for (const Request& punch : watch_.all(Op::punch)) {
    EXPECT_EQ(punch.offset.count % 4096, 0u);
    EXPECT_EQ(punch.length.count % 4096, 0u);
  }
}

TEST_P(ZeroesTest, AreWrittenWhereTheTargetHasNoHoles) {
  for (const bool direct : {false, true}) {
    watch_ = {};
    source_is_direct_ = target_is_direct_ = direct;
    fill(target(), random_content(file_size, 9));
    watch_.meddle = fails(Op::punch, 1, EOPNOTSUPP, SIZE_MAX / 2);
    const auto report = copy(whole());
    EXPECT_TRUE(content(target()) == from_);
    EXPECT_EQ(report.zeroes, Bytes{0});
    EXPECT_EQ(report.copied, file_size);
  }
}

TEST_P(ZeroesTest, AFailedPunchNamesTheTargetAndTheOffset) {
  watch_.meddle = fails(Op::punch, 1, EIO);
  const auto error = copy_error({{kibibytes(64), kibibytes(128), kibibytes(64)}});
  ASSERT_TRUE(error);
  EXPECT_NE(error->message().find(
                fmt::format("make a hole of 65536 bytes at offset {} of '{}'", 128 << 10, target().native())),
            std::string::npos)
      << error->message();
}

TEST_P(ZeroesTest, AWholeSourceOfThemTakesNoWrite) {
  fill(source(), std::string(file_size.count, '\0'));
  const auto report = copy(whole());
  EXPECT_EQ(report.writes, 0u);
  EXPECT_EQ(allocated(target()), Bytes{0});
  EXPECT_EQ(content(target()), std::string(file_size.count, '\0'));
}

TEST_P(ZeroesTest, ABlockThatCannotBeIsRefused) {
  for (const std::uint64_t block : {0U, 512U, 5000U}) {
    options_.zero_block = {block};
    const auto error = copy_error(whole());
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), ErrorKind::invalid_argument);
  }
}

COWSHED_OVER_BOTH(ZeroesTest);

}  // namespace
}  // namespace cowshed::io
