// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>

#include "copy_fixture.h"
#include "io/copy.h"

namespace cowshed::io {
namespace {

using test::bad_place;
using test::fails;
using test::random_content;

constexpr Bytes file_size = mebibytes(6);

class FaultyCopyTest : public test::CopyTest {
 protected:
  void SetUp() override {
    CopyTest::SetUp();
    fill(source(), from_);
    fill(target(), to_);
  }

  std::vector<Extent> whole() const { return {{{0}, {0}, file_size}}; }
  /// 200 of 4 KiB, 8 KiB apart: each is a request by itself, on both sides.
  static std::vector<Extent> scattered() {
    std::vector<Extent> extents;
    for (std::uint64_t i = 0; i < 200; ++i)
      extents.push_back({kibibytes(8) * (199 - i), kibibytes(8) * i, kibibytes(4)});
    return extents;
  }

  void expect_error(ErrorKind kind, const std::string& text, std::vector<Extent> extents) {
    const auto error = copy_error(std::move(extents));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), kind);
    EXPECT_NE(error->message().find(text), std::string::npos) << error->message() << "\n  expected " << text;
    expect_nothing_left();
  }
  void expect_nothing_left() {
    EXPECT_EQ(watch_.under_way, 0u) << "requests are still under way";
    EXPECT_TRUE(watch_.all(Op::sync).empty());
  }
  /// Every block of the target is as it was or as it should be.
  void expect_old_or_new() {
    const std::string now = content(target());
    ASSERT_EQ(now.size(), to_.size());
    for (std::size_t at = 0; at < now.size(); at += 512) {
      const auto block = [at](const std::string& all) { return std::string_view(all).substr(at, 512); };
      ASSERT_TRUE(block(now) == block(to_) || block(now) == block(from_)) << "at " << at;
    }
  }

  const std::string from_ = random_content(file_size, 3);
  const std::string to_ = random_content(file_size, 4);
};

TEST_P(FaultyCopyTest, AFailedReadNamesTheSourceAndTheOffset) {
  watch_.meddle = bad_place(Op::read, kibibytes(808), {1}, EIO);
  expect_error(ErrorKind::kernel_refused,
               fmt::format("read 4096 bytes at offset {} of '{}'", 808 << 10, source().native()),
               scattered());
}

TEST_P(FaultyCopyTest, AFailedWriteNamesTheTargetAndTheOffset) {
  watch_.meddle = bad_place(Op::write, kibibytes(808), {1}, ENOSPC);
  expect_error(ErrorKind::no_space,
               fmt::format("write 4096 bytes at offset {} of '{}'", 808 << 10, target().native()),
               scattered());
}

TEST_P(FaultyCopyTest, AFailedSyncNamesTheTarget) {
  watch_.meddle = fails(Op::sync, 1, EIO);
  const auto error = copy_error(whole());
  ASSERT_TRUE(error);
  EXPECT_NE(error->message().find(fmt::format("sync '{}'", target().native())), std::string::npos);
  EXPECT_EQ(error->error_number(), EIO);
}

TEST_P(FaultyCopyTest, AnyRequestThatFailsEndsTheCopyWithItsErrno) {
  for (const Op op : {Op::read, Op::write})
    for (const std::size_t nth : {1U, 2U, 50U, 199U, 200U})
      for (const int error_number : {EIO, ENOSPC, EACCES, ENXIO}) {
        watch_ = {};
        watch_.meddle = fails(op, nth, error_number);
        const auto error = copy_error(scattered());
        ASSERT_TRUE(error);
        EXPECT_EQ(error->error_number(), error_number);
        EXPECT_NE(error->message().find(op == Op::read ? source().native() : target().native()),
                  std::string::npos);
        expect_nothing_left();
      }
}

TEST_P(FaultyCopyTest, AnUnreadablePlaceInALongRequestIsFound) {
  for (const std::uint64_t place : {0U, 4096U, 1000000U, (1U << 20) - 1, 5000000U}) {
    watch_ = {};
    watch_.meddle = bad_place(Op::read, {place}, {1}, EIO);
    expect_error(ErrorKind::kernel_refused,
                 fmt::format("read 4096 bytes at offset {} of", place / 4096 * 4096), whole());
  }
}

TEST_P(FaultyCopyTest, AnUnwritablePlaceInALongRequestIsFound) {
  watch_.meddle = bad_place(Op::write, {3'000'000}, {5}, EIO);
  expect_error(ErrorKind::kernel_refused, fmt::format("write 4096 bytes at offset {} of", 2'998'272),
               whole());
}

TEST_P(FaultyCopyTest, AFailureThatDoesNotComeAgainIsNotHidden) {
  watch_.meddle = fails(Op::write, 2, EIO);
  expect_error(ErrorKind::kernel_refused, "write 262144 bytes at offset", whole());
}

TEST_P(FaultyCopyTest, AFailureLeavesEachBlockAsItWasOrAsItShouldBe) {
  watch_.meddle = fails(Op::write, 4, ENOSPC);
  ASSERT_TRUE(copy_error(whole()));
  expect_old_or_new();
}

TEST_P(FaultyCopyTest, CopyingAgainAfterAFailureIsRight) {
  watch_.meddle = fails(Op::write, 30, EIO);
  ASSERT_TRUE(copy_error(scattered()));
  watch_.meddle = nullptr;
  copy(scattered());
  EXPECT_EQ(content(target()), test::modelled(from_, to_, scattered()));
}

TEST_P(FaultyCopyTest, ShortTransfersAreContinued) {
  for (const Op op : {Op::read, Op::write})
    for (const bool direct : {false, true}) {
      fill(target(), to_);
      watch_ = {};
      source_is_direct_ = target_is_direct_ = direct;
      watch_.meddle = [op](Request& request, std::size_t nth) -> std::optional<Completion> {
        if (request.op == op) request.length = {request.length.count * (nth % 3 + 1) / 4 + 1};
        return std::nullopt;
      };
      copy(whole());
      EXPECT_TRUE(content(target()) == from_);
      EXPECT_GT(watch_.all(op).size(), 6u);
    }
}

TEST_P(FaultyCopyTest, ARequestRefusedForNowIsSubmittedAgain) {
  for (const int error_number : {EAGAIN, EINTR}) {
    fill(target(), to_);
    watch_ = {};
    watch_.meddle = [=](Request& request, std::size_t nth) -> std::optional<Completion> {
      if (nth % 3 != 0) return test::refusal(request, error_number);
      return std::nullopt;
    };
    copy(scattered());
    EXPECT_TRUE(content(target()) == test::modelled(from_, to_, scattered()));
  }
}

/// Sleeping takes no time.
class NoClock : public Clock {
 public:
  [[nodiscard]] Duration now() const override { return slept; }
  void sleep(Duration duration) override { slept += duration; }
  Duration slept{0};
};

TEST_P(FaultyCopyTest, ARequestThatIsAlwaysRefusedIsGivenUpAfterASecondOrSo) {
  NoClock clock;
  options_.clock = &clock;
  watch_.meddle = fails(Op::read, 1, EAGAIN, SIZE_MAX / 2);
  expect_error(ErrorKind::kernel_refused, "read 4096 bytes at offset 0 of", {{{0}, {0}, kibibytes(4)}});
  EXPECT_GT(clock.slept, std::chrono::milliseconds(500));
  EXPECT_LT(clock.slept, std::chrono::seconds(5));
}

TEST_P(FaultyCopyTest, AWriteThatMovesNothingDoesNotGoOnForEver) {
  watch_.meddle = [](Request& request, std::size_t) -> std::optional<Completion> {
    if (request.op != Op::write) return std::nullopt;
    return Completion{.tag = request.tag, .error = 0, .length = {}};
  };
  expect_error(ErrorKind::kernel_refused, "write", scattered());
}

TEST_P(FaultyCopyTest, TheKernelsOwnRefusalIsNamed) {
  const Fd from = open_file(source(), O_RDONLY);
  const Fd to = open_file(target(), O_RDONLY);
  const auto error = test::error_of([&] {
    copy_extents(stream_of({{{0}, kibibytes(8), kibibytes(4)}}), End(from, source()), End(to, target()),
                 options_);
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error_number(), EBADF);
  EXPECT_NE(error->message().find("write 4096 bytes at offset 8192 of"), std::string::npos)
      << error->message();
}

TEST_P(FaultyCopyTest, WhereTheTargetMayNotGrowIsNamed) {
  const Fd to(::memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(to.get(), 64 << 10), 0);
  ASSERT_EQ(::fcntl(to.get(), F_ADD_SEALS, F_SEAL_GROW), 0);
  const Fd from = open_file(source(), O_RDONLY);
  const auto error = test::error_of([&] {
    copy_extents(stream_of({{{0}, {0}, kibibytes(64)}, {{0}, kibibytes(64), kibibytes(4)}}),
                 End(from, source()), End(to, "sealed"), options_);
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::permission);
  EXPECT_NE(error->message().find("write 4096 bytes at offset 65536 of 'sealed'"), std::string::npos)
      << error->message();
}

COWSHED_OVER_BOTH(FaultyCopyTest);

}  // namespace
}  // namespace cowshed::io
