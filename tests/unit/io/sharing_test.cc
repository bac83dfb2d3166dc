// SPDX-License-Identifier: Apache-2.0
#include "io/sharing.h"

#include "copy_fixture.h"
#include "io/copy_file.h"
#include "io/system_calls.h"

namespace cowshed::io {
namespace {

using test::random_content;

constexpr Bytes file_size = mebibytes(4);

/// Does what a file system with shared extents would, for all that can be seen from outside.
Completion share_by_copying(const Request& request, Bytes at_most = file_size) {
  std::vector<std::byte> data(std::min(request.length, at_most).count);
  const Completion read = carry_out({.op = Op::read,
                                     .fd = request.source_fd,
                                     .offset = request.source_offset,
                                     .length = {data.size()},
                                     .memory = data.data()});
  const Completion written = carry_out({.op = Op::write,
                                        .fd = request.fd,
                                        .offset = request.offset,
                                        .length = read.length,
                                        .memory = data.data()});
  return {.tag = request.tag, .error = written.error, .length = written.length};
}

class SharingTest : public test::CopyTest {
 protected:
  void SetUp() override {
    CopyTest::SetUp();
    fill(source(), from_);
    fill(target(), to_);
    options_.sharing = Sharing::where_possible;
  }
  void refuse(int error_number) {
    watch_.meddle = [=](Request& request, std::size_t) -> std::optional<Completion> {
      if (is_sharing(request.op)) return test::refusal(request, error_number);
      return std::nullopt;
    };
  }
  void can_clone() {
    watch_.meddle = [](Request& request, std::size_t) -> std::optional<Completion> {
      if (is_sharing(request.op)) return share_by_copying(request);
      return std::nullopt;
    };
  }
  static bool is_sharing(Op op) { return op == Op::clone || op == Op::copy_range; }
  static std::vector<Extent> whole() { return {{{0}, {0}, file_size}}; }
  /// Eight of 64 KiB, not next to each other.
  static std::vector<Extent> some() {
    std::vector<Extent> extents;
    for (std::uint64_t i = 0; i < 8; ++i)
      extents.push_back({kibibytes(128) * i, kibibytes(128) * (10 - i), kibibytes(64)});
    return extents;
  }

  const std::string from_ = random_content(file_size, 10);
  const std::string to_ = random_content(file_size, 11);
};

TEST_P(SharingTest, LongExtentsAreSharedAndNotCopied) {
  can_clone();
  const auto report = copy(some());
  EXPECT_TRUE(content(target()) == test::modelled(from_, to_, some()));
  EXPECT_EQ(report.shared, kibibytes(64) * 8);
  EXPECT_EQ(report.reads + report.writes, 0u);
}

TEST_P(SharingTest, ShortExtentsAreCopied) {
  can_clone();
  options_.shortest_share = kibibytes(128);
  const auto report = copy(some());
  EXPECT_EQ(report.shared, Bytes{0});
  EXPECT_TRUE(content(target()) == test::modelled(from_, to_, some()));
}

TEST_P(SharingTest, WhatIsNoWholeBlockIsCopied) {
  can_clone();
  const std::vector<Extent> extents = {{{0}, {0}, mebibytes(1) + Bytes{10}},
                                       {mebibytes(2), mebibytes(2) + Bytes{1}, kibibytes(128)}};
  const auto report = copy(extents);
  EXPECT_EQ(report.shared, mebibytes(1));
  EXPECT_EQ(report.copied, kibibytes(128) + Bytes{10});
  EXPECT_TRUE(content(target()) == test::modelled(from_, to_, extents));
}

TEST_P(SharingTest, NothingIsSharedWhereThatIsNotWanted) {
  can_clone();
  options_.sharing = Sharing::never;
  copy(whole());
  EXPECT_TRUE(watch_.all(Op::clone).empty());
}

TEST_P(SharingTest, AFileSystemThatCannotIsAskedOnceAndTheDataIsCopied) {
  for (const int error_number : {EOPNOTSUPP, EXDEV, ENOTTY, ENOSYS}) {
    fill(target(), to_);
    watch_ = {};
    refuse(error_number);
    const auto report = copy(some());
    EXPECT_TRUE(content(target()) == test::modelled(from_, to_, some()));
    EXPECT_EQ(watch_.all(Op::clone).size(), 1u);
    EXPECT_TRUE(watch_.all(Op::copy_range).empty()) << "it would copy through the page cache";
    EXPECT_EQ(report.shared, Bytes{0});
    EXPECT_EQ(report.copied, kibibytes(64) * 8);
  }
}

TEST_P(SharingTest, AnExtentThatCannotBeSharedIsCopiedAndTheNextIsTried) {
  watch_.meddle = [](Request& request, std::size_t nth) -> std::optional<Completion> {
    if (request.op != Op::clone) return std::nullopt;
    return nth % 2 == 0 ? test::refusal(request, EINVAL) : share_by_copying(request);
  };
  const auto report = copy(some());
  EXPECT_TRUE(content(target()) == test::modelled(from_, to_, some()));
  EXPECT_EQ(watch_.all(Op::clone).size(), 8u);
  EXPECT_EQ(report.shared, kibibytes(64) * 4);
  EXPECT_EQ(report.copied, kibibytes(64) * 4);
}

TEST_P(SharingTest, AFailureToShareNamesTheTargetAndTheOffset) {
  refuse(ENOSPC);
  const auto error = copy_error(some());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::no_space);
  EXPECT_NE(error->message().find(
                fmt::format("share 65536 bytes at offset {} of '{}'", 1280 << 10, target().native())),
            std::string::npos)
      << error->message();
}

TEST_P(SharingTest, ThisFileSystemSharesOrTheDataIsCopied) {
  copy(some());
  EXPECT_TRUE(content(target()) == test::modelled(from_, to_, some()));
}

TEST_P(SharingTest, AWholeFileIsSharedOrCopied) {
  fill(target(), "");
  std::filesystem::resize_file(target(), file_size.count + 100);
  const Fd from = open_file(source(), O_RDONLY);
  const Fd to = open_file(target(), O_RDWR);
  const auto report = copy_file(End(from, source()), End(to, target()), options_);
  EXPECT_TRUE(content(target()) == from_ + std::string(100, '\0'));
  EXPECT_EQ(report.shared + report.copied, file_size);
}

COWSHED_OVER_BOTH(SharingTest);

class SharerTest : public test::FilesTest {};

TEST_F(SharerTest, CopyRangeIsTriedOnlyBetweenRemoteFiles) {
  fill(source(), "x");
  const Fd fd = open_file(source(), O_RDWR);
  const End end(fd, source());
  ASSERT_FALSE(end.is_remote());
  Sharer sharer(end, end, {});
  const Extent extent{{0}, {0}, mebibytes(1)};
  EXPECT_EQ(sharer.sharable(extent), mebibytes(1));
  EXPECT_EQ(sharer.op(), Op::clone);
  EXPECT_TRUE(sharer.may_copy_after(Op::clone, EOPNOTSUPP));
  EXPECT_EQ(sharer.sharable(extent), Bytes{0});
}

TEST_F(SharerTest, OneRefusalCountsOnce) {
  fill(source(), "x");
  const Fd fd = open_file(source(), O_RDWR);
  Sharer sharer(End(fd, source()), End(fd, source()), {});
  EXPECT_TRUE(sharer.may_copy_after(Op::clone, EOPNOTSUPP));
  EXPECT_TRUE(sharer.may_copy_after(Op::clone, EOPNOTSUPP)) << "of a request that was under way already";
  EXPECT_FALSE(sharer.may_copy_after(Op::clone, EIO));
}

}  // namespace
}  // namespace cowshed::io
