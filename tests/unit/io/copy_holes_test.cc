// SPDX-License-Identifier: Apache-2.0
#include "copy_fixture.h"
#include "io/copy.h"
#include "io/holes.h"

namespace cowshed::io {
namespace {

using test::fails;
using test::modelled;
using test::random_content;

constexpr Bytes file_size = mebibytes(4);
constexpr Bytes hole_begin = mebibytes(1), hole_end = mebibytes(3);

class HolesTest : public test::CopyTest {
 protected:
  /// A source with a hole in the middle, and zeros that are none before it.
  void SetUp() override {
    CopyTest::SetUp();
    from_ = random_content(file_size, 1);
    from_.replace(4096, 65'536, 65'536, '\0');
    from_.replace(hole_begin.count, (hole_end - hole_begin).count, (hole_end - hole_begin).count, '\0');
    fill(source(), from_);
    const Fd fd = open_file(source(), O_RDWR);
    ASSERT_EQ(
        ::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(hole_begin.count), static_cast<off_t>((hole_end - hole_begin).count)),
        0);
    fill(target(), to_);
    options_.zeroes = Zeroes::punch;
    options_.zero_search = ZeroSearch::holes;
  }
  static std::vector<Extent> whole() { return {{{0}, {0}, file_size}}; }
  /// Of 4 KiB, in the order of the target and against that of the source.
  static std::vector<Extent> scattered() {
    std::vector<Extent> extents;
    for (Bytes at; at < file_size; at = at + kibibytes(4))
      extents.push_back({file_size - at - kibibytes(4), at, kibibytes(4)});
    return extents;
  }
  Bytes read_bytes() const {
    Bytes sum;
    for (const Request& request : watch_.all(Op::read)) sum = sum + request.length;
    return sum;
  }

  std::string from_;
  const std::string to_ = random_content(file_size, 2);
};

TEST_P(HolesTest, AreNotReadAndBecomeHolesInBothModes) {
  for (const bool direct : {false, true}) {
    watch_ = {};
    fill(target(), to_);
    source_is_direct_ = target_is_direct_ = direct;
    const auto report = copy(whole());
    EXPECT_TRUE(content(target()) == from_);
    EXPECT_EQ(report.zeroes, hole_end - hole_begin);
    EXPECT_EQ(report.copied, file_size - report.zeroes) << "other zeros are data";
    EXPECT_EQ(read_bytes(), report.copied);
    EXPECT_LE(allocated(target()), report.copied + kibibytes(64));
  }
}

TEST_P(HolesTest, AreLeftOutWhereTheTargetIsNew) {
  fill(target(), "");
  std::filesystem::resize_file(target(), file_size.count);
  options_.zeroes = Zeroes::skip;
  copy(whole());
  EXPECT_TRUE(content(target()) == from_);
  EXPECT_EQ(read_bytes(), file_size - (hole_end - hole_begin));
  EXPECT_TRUE(watch_.all(Op::punch).empty());
}

TEST_P(HolesTest, ThatFollowEachOtherInTheTargetAreMadeInFewRequests) {
  copy(scattered());
  EXPECT_TRUE(content(target()) == modelled(from_, to_, scattered()));
  EXPECT_LE(watch_.all(Op::punch).size(), 20U) << "of 512 extents";
}

TEST_P(HolesTest, AreReadAndWrittenWhereTheTargetHasNone) {
  for (const auto& extents : {whole(), scattered()}) {
    watch_ = {};
    fill(target(), to_);
    watch_.meddle = fails(Op::punch, 1, EOPNOTSUPP, SIZE_MAX / 2);
    const auto report = copy(extents);
    EXPECT_TRUE(content(target()) == modelled(from_, to_, extents));
    EXPECT_EQ(report.zeroes, Bytes{0});
    EXPECT_EQ(report.copied, file_size);
  }
}

TEST_P(HolesTest, OfTheTargetStayWhereZerosWouldFillThem) {
  const Fd fd = open_file(target(), O_RDWR);
  ASSERT_EQ(::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 131'072), 0);
  const Bytes before = allocated(target());
  const std::vector<Extent> extents = {{{0}, {0}, kibibytes(512)}};
  const auto report = copy(extents);
  EXPECT_TRUE(content(target()) == modelled(from_, to_, extents));
  EXPECT_EQ(report.zeroes, kibibytes(64));
  EXPECT_LE(allocated(target()), before + kibibytes(64)) << "of 128 KiB half are zeros";
}

TEST_P(HolesTest, OfUnalignedExtentsAreMadeOfWholeBlocksOfTheTarget) {
  const std::vector<Extent> extents = {{{100}, {5000}, mebibytes(3)}};
  copy(extents);
  EXPECT_TRUE(content(target()) == modelled(from_, to_, extents));
  ASSERT_FALSE(watch_.all(Op::punch).empty());
  for (const Request& punch : watch_.all(Op::punch)) {
    EXPECT_EQ(punch.offset.count % 4096, 0U);
    EXPECT_EQ(punch.length.count % 4096, 0U);
  }
}

TEST_P(HolesTest, DoNotHideThatTheSourceEndsEarly) {
  std::filesystem::resize_file(source(), hole_end.count);
  const auto error = copy_error({{{0}, {0}, file_size}});
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::corrupt_image);
}

TEST_P(HolesTest, AFailedPunchNamesTheTargetAndTheOffset) {
  watch_.meddle = fails(Op::punch, 1, EIO);
  const auto error = copy_error(whole());
  ASSERT_TRUE(error);
  EXPECT_NE(error->message().find(fmt::format("at offset {} of '{}'", hole_begin.count, target().native())),
            std::string::npos)
      << error->message();
}

TEST_P(HolesTest, AreFoundInAnyOrderOfAsking) {
  const Fd fd = open_file(source(), O_RDONLY);
  const End end(fd, source());
  Holes holes(end);
  const Bytes block = kibibytes(4);
  EXPECT_EQ(holes.data_at({0}), hole_begin);
  EXPECT_EQ(holes.hole_at(hole_end - block), block);
  EXPECT_EQ(holes.hole_at(hole_begin), hole_end - hole_begin);
  EXPECT_EQ(holes.data_at(hole_begin), Bytes{0});
  EXPECT_EQ(holes.hole_at(hole_begin - Bytes{1}), Bytes{0});
  EXPECT_EQ(holes.data_at(file_size - block), block);
  EXPECT_EQ(holes.hole_at(file_size + block), Bytes{0}) << "behind the end is no hole";
  EXPECT_EQ(holes.data_at(block), hole_begin - block);
}

TEST_P(HolesTest, AreFoundInAFileThatBeginsWithOneAndInOneThatIsNothingElse) {
  std::filesystem::resize_file(source(), 0);
  std::filesystem::resize_file(source(), file_size.count);
  const Fd fd = open_file(source(), O_RDWR);
  const End end(fd, source());
  EXPECT_EQ(Holes(end).hole_at(kibibytes(8)), file_size - kibibytes(8));
  ASSERT_EQ(::pwrite(fd.get(), "x", 1, 0), 1);
  ASSERT_EQ(::pwrite(fd.get(), "x", 1, 1 << 20), 1);
  std::filesystem::resize_file(source(), 3 << 20);
  Holes holes(end);
  EXPECT_EQ(holes.data_at(mebibytes(1)), kibibytes(4));
  EXPECT_EQ(holes.hole_at(kibibytes(4)), mebibytes(1) - kibibytes(4));
  EXPECT_EQ(holes.data_at({}), kibibytes(4));
  EXPECT_EQ(holes.hole_at(mebibytes(2)), mebibytes(1));
}

COWSHED_OVER_BOTH(HolesTest);

}  // namespace
}  // namespace cowshed::io
