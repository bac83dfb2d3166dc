// SPDX-License-Identifier: Apache-2.0
#include "io/copy.h"

#include "copy_fixture.h"

namespace cowshed::io {
namespace {

using test::modelled;
using test::random_content;

class EngineTest : public test::CopyTest {
 protected:
  /// Both files, and what was in them.
  void SetUp() override {
    CopyTest::SetUp();
    test::FilesTest::fill(source(), from_);
    test::FilesTest::fill(target(), to_);
  }
  void expect_copied(const std::vector<Extent>& extents) {
    copy(extents);
    EXPECT_EQ(content(target()), modelled(from_, to_, extents));
  }

  const std::string from_ = random_content(mebibytes(5) + Bytes{100}, 1);
  const std::string to_ = random_content(mebibytes(5) + Bytes{200}, 2);
};

TEST_P(EngineTest, CopiesNothing) {
  const auto report = copy(std::vector<Extent>{});
  EXPECT_EQ(content(target()), to_);
  EXPECT_EQ(report.copied, Bytes{0});
}

TEST_P(EngineTest, CopiesOneExtentThatIsLongerThanABuffer) { expect_copied({{{0}, {0}, mebibytes(5)}}); }

TEST_P(EngineTest, CopiesScatteredExtentsAndTouchesNothingElse) {
  std::vector<Extent> extents;
  for (std::uint64_t i = 0; i < 300; ++i)
    extents.push_back({kibibytes(4) * (i * 7 % 1024), kibibytes(4) * (1023 - i * 3), kibibytes(4)});
  expect_copied(extents);
}

TEST_P(EngineTest, CopiesUnalignedExtents) {
  for (const bool direct : {false, true}) {
    source_is_direct_ = target_is_direct_ = direct;
    expect_copied({{{1}, {3}, {100}}, {{5000}, {4096 + 5000}, {70'000}}, {{100'001}, {200'002}, {1}}});
    test::FilesTest::fill(target(), to_);
  }
}

TEST_P(EngineTest, CopiesALastPieceThatIsNoWholeBlock) {
  for (const bool direct : {false, true}) {
    source_is_direct_ = target_is_direct_ = direct;
    expect_copied({{{0}, {0}, Bytes{from_.size()}}});
    test::FilesTest::fill(target(), to_);
  }
}

TEST_P(EngineTest, LeavesEmptyExtentsOut) {
  expect_copied({{{7}, {7}, {0}}, {{8}, {8}, {8}}, {{7}, {7}, {0}}});
}

TEST_P(EngineTest, ReadsNeighboursOfTheSourceInOneRequest) {
  std::vector<Extent> extents;
  for (std::uint64_t i = 0; i < 16; ++i)
    extents.push_back({kibibytes(4) * i, kibibytes(8) * (20 - i), kibibytes(4)});
  const auto report = copy(extents);
  EXPECT_EQ(report.reads, 1u);
  EXPECT_EQ(report.writes, 16u);
  EXPECT_EQ(content(target()), modelled(from_, to_, extents));
}

TEST_P(EngineTest, WritesNeighboursOfTheTargetInOneRequest) {
  std::vector<Extent> extents;
  for (std::uint64_t i = 0; i < 16; ++i)
    extents.push_back({kibibytes(8) * (20 - i), kibibytes(4) * i, kibibytes(4)});
  const auto report = copy(extents);
  EXPECT_EQ(report.reads, 16u);
  EXPECT_EQ(report.writes, 1u);
  EXPECT_EQ(content(target()), modelled(from_, to_, extents));
}

TEST_P(EngineTest, JoinsExtentsThatFollowEachOtherOnBothSides) {
  std::vector<Extent> extents;
  for (std::uint64_t i = 0; i < 64; ++i)
    extents.push_back({kibibytes(4) * i, kibibytes(4) * (i + 1), kibibytes(4)});
  const auto report = copy(extents);
  EXPECT_EQ(report.reads, 1u);
  EXPECT_EQ(report.writes, 1u);
  EXPECT_EQ(content(target()), modelled(from_, to_, extents));
}

TEST_P(EngineTest, GrowsTheTarget) {
  test::FilesTest::fill(target(), "");
  copy({{{0}, {10}, {5}}});
  EXPECT_EQ(content(target()), std::string(10, '\0') + from_.substr(0, 5));
}

TEST_P(EngineTest, SyncsOnceAndLast) {
  copy({{{0}, {0}, mebibytes(3)}});
  ASSERT_EQ(watch_.all(Op::sync).size(), 1u);
  EXPECT_EQ(watch_.requests.back().op, Op::sync);
}

TEST_P(EngineTest, SyncsNothingWhereThatIsNotWanted) {
  options_.sync = false;
  copy({{{0}, {0}, mebibytes(3)}});
  EXPECT_TRUE(watch_.all(Op::sync).empty());
}

TEST_P(EngineTest, TellsProgressUpToTheWhole) {
  std::vector<Bytes> told;
  options_.progress = [&](Bytes done) { told.push_back(done); };
  copy({{{0}, {0}, mebibytes(4)}, {mebibytes(4), mebibytes(4) + Bytes{512}, {512}}});
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back(), mebibytes(4) + Bytes{512});
}

TEST_P(EngineTest, ReportsWhatWasDone) {
  const auto report = copy({{{0}, {0}, mebibytes(4)}});
  EXPECT_EQ(report.copied, mebibytes(4));
  EXPECT_EQ(report.shared, Bytes{0});
  EXPECT_EQ(report.zeroes, Bytes{0});
  EXPECT_EQ(report.reads, watch_.all(Op::read).size());
  EXPECT_EQ(report.writes, watch_.all(Op::write).size());
  EXPECT_EQ(report.backend, GetParam().name == "uring" ? "io_uring" : "preadv");
}

TEST_P(EngineTest, ReadsAndWritesOverlap) {
  copy({{{0}, {0}, mebibytes(5)}});
  const auto is = [](Op op) { return [op](const Request& request) { return request.op == op; }; };
  const auto& all = watch_.requests;
  const auto first_write = std::find_if(all.begin(), all.end(), is(Op::write));
  const auto reads_before = std::count_if(all.begin(), first_write, is(Op::read));
  EXPECT_GT(reads_before, 1) << "a second read is under way before the first write";
}

TEST_P(EngineTest, GoesDirectWhereTheCallerOpenedItSo) {
  for (const bool direct : {false, true}) {
    watch_.requests.clear();
    source_is_direct_ = target_is_direct_ = direct;
    const Fd probe = open_as(source(), O_RDONLY, direct);
    const bool can = End(probe, source()).is_direct();
    copy({{{0}, {0}, mebibytes(1)}});
    for (const Request& request : watch_.requests)
      if (request.op != Op::sync) {
        EXPECT_EQ(request.is_direct, can);
      }
  }
}

TEST_P(EngineTest, UnalignedDirectWritesAreAloneInTheQueue) {
  target_is_direct_ = true;
  watch_.meddle = [&](Request& request, std::size_t) -> std::optional<Completion> {
    const bool is_unaligned = request.offset.count % 512 != 0 || request.length.count % 512 != 0;
    if (request.op == Op::write && is_unaligned) {
      EXPECT_FALSE(request.is_direct);
      EXPECT_EQ(watch_.under_way, 1u);
    }
    return std::nullopt;
  };
  std::vector<Extent> extents;
  for (std::uint64_t i = 0; i < 40; ++i)
    extents.push_back({kibibytes(64) * i, kibibytes(64) * i + Bytes{7 * i}, kibibytes(60)});
  expect_copied(extents);
}

TEST_P(EngineTest, RefusesExtentsThatNoFileCanHold) {
  const Bytes far{UINT64_MAX - 10};
  for (const Extent& extent : {Extent{far, {0}, {100}}, Extent{{0}, far, {1}}, Extent{{1}, {1}, far}}) {
    const auto error = copy_error({extent});
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), ErrorKind::invalid_argument);
  }
  EXPECT_TRUE(watch_.requests.empty());
}

TEST_P(EngineTest, SaysWhereTheSourceEndsTooEarly) {
  const Bytes end{from_.size()};
  const auto error = copy_error({{{0}, {0}, {100}}, {end - Bytes{10}, {500}, {20}}});
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::corrupt_image);
  EXPECT_NE(error->message().find(fmt::format("ends at offset {}", end.count)), std::string::npos)
      << error->message();
  EXPECT_NE(error->message().find(source().native()), std::string::npos);
}

TEST_P(EngineTest, PassesOnWhatTheStreamThrows) {
  int pulled = 0;
  EXPECT_THROW(copy([&]() -> std::optional<Extent> {
                 if (++pulled > 100) throw std::runtime_error("no more");
                 return Extent{kibibytes(8) * static_cast<std::uint64_t>(pulled),
                               kibibytes(8) * static_cast<std::uint64_t>(pulled), kibibytes(4)};
               }),
               std::runtime_error);
  EXPECT_EQ(watch_.under_way, 0u);
}

COWSHED_OVER_BOTH(EngineTest);

}  // namespace
}  // namespace cowshed::io
