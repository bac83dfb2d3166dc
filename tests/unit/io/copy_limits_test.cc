// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "copy_fixture.h"
#include "io/copy.h"

namespace cowshed::io {
namespace {

using test::random_content;

/// Time passes only by sleeping.
class HandClock : public Clock {
 public:
  [[nodiscard]] Duration now() const override { return now_; }
  void sleep(Duration duration) override {
    now_ += duration;
    longest_sleep = std::max(longest_sleep, duration);
  }
  Duration longest_sleep{0};

 private:
  Duration now_{std::chrono::hours(1)};
};

constexpr Bytes file_size = mebibytes(8);

class LimitsTest : public test::CopyTest {
 protected:
  void SetUp() override {
    CopyTest::SetUp();
    fill(source(), from_);
    fill(target(), to_);
  }
  static std::vector<Extent> whole() { return {{{0}, {0}, file_size}}; }

  /// From the first byte that a request used to the last.
  [[nodiscard]] Bytes span_of_buffers() const {
    const std::byte* first = nullptr;
    const std::byte* last = nullptr;
    for (const Request& request : watch_.requests) {
      if (request.memory == nullptr) continue;
      if (first == nullptr || request.memory < first) first = request.memory;
      last = std::max<const std::byte*>(last, request.memory + request.length.count);
    }
    return {static_cast<std::uint64_t>(last - first)};
  }

  const std::string from_ = random_content(file_size, 5);
  const std::string to_ = random_content(file_size, 6);
  HandClock clock_;
};

// --- Depth and memory ---

TEST_P(LimitsTest, NoMoreRequestsAreUnderWayThanToldAndAsManyAsTold) {
  for (const unsigned depth : {1U, 2U, 7U, 32U}) {
    watch_ = {};
    options_.depth = depth;
    std::vector<Extent> extents;
    for (std::uint64_t i = 0; i < 500; ++i)
      extents.push_back({kibibytes(8) * i, kibibytes(8) * (500 - i), kibibytes(4)});
    copy(extents);
    EXPECT_EQ(watch_.most_under_way, depth);
  }
}

TEST_P(LimitsTest, AllBuffersLieInTheMemoryAllowed) {
  for (const Bytes memory : {kibibytes(256), mebibytes(1), mebibytes(64)}) {
    watch_ = {};
    options_.memory = memory;
    const auto report = copy(whole());
    EXPECT_LE(report.memory, memory);
    // More than fits into the processor's cache makes it slower.
    EXPECT_GE(report.memory, std::min(Bytes{memory.count / 2}, mebibytes(2)));
    EXPECT_LE(span_of_buffers(), memory);
    EXPECT_EQ(content(target()), from_);
  }
}

TEST_P(LimitsTest, AStreamIsPulledOnlyAsFarAsThereIsRoomForIt) {
  options_.memory = kibibytes(256);
  std::uint64_t pulled = 0;
  std::uint64_t done = 0;
  std::uint64_t most_ahead = 0;
  options_.progress = [&](Bytes bytes) { done = bytes.count / 512; };
  copy([&]() -> std::optional<Extent> {
    if (pulled == 100'000) return std::nullopt;
    most_ahead = std::max(most_ahead, pulled - done);
    const std::uint64_t at = pulled++ * 7919 % 8192;
    return Extent{{at * 512}, {(8191 - at) * 1024}, {512}};
  });
  EXPECT_EQ(done, 100'000u);
  EXPECT_LT(most_ahead, 100u) << "extents held at a time";
}

TEST_P(LimitsTest, MemoryThatIsTooLittleIsRefused) {
  options_.memory = kibibytes(255);
  const auto error = copy_error(whole());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::invalid_argument);
}

// --- Pace ---

TEST_P(LimitsTest, ALimitIsKeptOnAverage) {
  options_.clock = &clock_;
  options_.bytes_per_second = mebibytes(2);
  const auto begin = clock_.now();
  copy(whole());
  EXPECT_EQ(content(target()), from_);
  const std::chrono::duration<double> took = clock_.now() - begin;
  // The last portion is not waited for.
  EXPECT_GE(took.count(), 3.8);
  EXPECT_LE(took.count(), 4.01);
}

TEST_P(LimitsTest, ALimitIsKeptAtEachMoment) {
  options_.clock = &clock_;
  options_.bytes_per_second = mebibytes(2);
  const auto begin = clock_.now();
  options_.progress = [&](Bytes done) {
    const double allowed = std::chrono::duration<double>(clock_.now() - begin).count() * 2 * (1 << 20);
    EXPECT_LE(static_cast<double>(done.count), allowed + 0.2 * (1 << 20) + 4096);
  };
  copy(whole());
}

TEST_P(LimitsTest, WithoutALimitNothingWaits) {
  options_.clock = &clock_;
  copy(whole());
  EXPECT_EQ(clock_.longest_sleep, Clock::Duration{0});
}

TEST_P(LimitsTest, AStopIsHeardWhileThePaceAllowsNothing) {
  options_.clock = &clock_;
  options_.bytes_per_second = Bytes{1000};
  std::stop_source stop;
  options_.stop = stop.get_token();
  options_.progress = [&](Bytes) { stop.request_stop(); };
  const auto begin = clock_.now();
  EXPECT_TRUE(copy_error(whole()));
  EXPECT_LE(clock_.longest_sleep, std::chrono::milliseconds(100));
  EXPECT_LE(clock_.now() - begin, std::chrono::milliseconds(100));
}

TEST_P(LimitsTest, ALimitOfNothingIsRefused) {
  options_.bytes_per_second = Bytes{0};
  const auto error = copy_error(whole());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::invalid_argument);
}

// --- Stopping ---

TEST_P(LimitsTest, AStoppedCopyIsInterruptedAndLeavesNothingUnderWay) {
  std::stop_source stop;
  options_.stop = stop.get_token();
  options_.progress = [&](Bytes done) {
    if (done >= mebibytes(2)) stop.request_stop();
  };
  const auto error = copy_error(whole());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::interrupted);
  EXPECT_EQ(watch_.under_way, 0u);
  EXPECT_TRUE(watch_.all(Op::sync).empty());
}

TEST_P(LimitsTest, AStoppedCopyLeavesEachBlockAsItWasOrAsItShouldBe) {
  options_.memory = mebibytes(1);
  std::stop_source stop;
  options_.stop = stop.get_token();
  options_.progress = [&](Bytes) { stop.request_stop(); };
  ASSERT_TRUE(copy_error(whole()));
  const std::string now = content(target());
  std::size_t old_blocks = 0;
  for (std::size_t at = 0; at < now.size(); at += 512) {
    const bool is_old = now.compare(at, 512, to_, at, 512) == 0;
    ASSERT_TRUE(is_old || now.compare(at, 512, from_, at, 512) == 0) << "at " << at;
    old_blocks += is_old ? 1 : 0;
  }
  EXPECT_GT(old_blocks, 0u) << "it did not stop";
}

TEST_P(LimitsTest, ACopyStoppedBeforehandDoesNothing) {
  std::stop_source stop;
  stop.request_stop();
  options_.stop = stop.get_token();
  EXPECT_TRUE(copy_error(whole()));
  EXPECT_TRUE(watch_.requests.empty());
}

TEST_P(LimitsTest, AnotherThreadCanStopIt) {
  std::stop_source stop;
  options_.stop = stop.get_token();
  std::uint64_t pulled = 0;
  std::thread other([&] { stop.request_stop(); });
  const auto error = test::error_of([&] {
    copy([&]() -> std::optional<Extent> { return Extent{{0}, {8192 * (pulled++ % 512)}, kibibytes(4)}; });
  });
  other.join();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::interrupted);
}

TEST_P(LimitsTest, WhatTheProgressThrowsEndsTheCopy) {
  options_.progress = [](Bytes) { throw Error(ErrorKind::interrupted, "enough"); };
  const auto error = copy_error(whole());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message(), "enough");
  EXPECT_EQ(watch_.under_way, 0u);
}

COWSHED_OVER_BOTH(LimitsTest);

}  // namespace
}  // namespace cowshed::io
