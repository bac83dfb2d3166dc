// SPDX-License-Identifier: Apache-2.0
#include "base/lease.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <future>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/file.h"

namespace cowshed {
namespace {

class LeaseTest : public testing::Test {
 protected:
  LeaseTest() : path_(testing::TempDir() + "cowshed-lease-" + std::to_string(::getpid())) {
    create_sparse(path_, kibibytes(4));
  }
  ~LeaseTest() override { std::filesystem::remove(path_); }
  [[nodiscard]] Fd open(int flags) const { return open_file(path_, flags); }

 private:
  Path path_;
};

TEST_F(LeaseTest, IsHeldUntilSomebodyWaitsToWrite) {
  const Fd fd = open(O_RDONLY);
  auto lease = ReadLease::take(fd);
  ASSERT_TRUE(lease);
  static_cast<void>(open(O_RDONLY));
  EXPECT_TRUE(lease->is_held());
  // He waits, and this process is not ended by the kernel's signal.
  auto writer = std::async(std::launch::async, [&] { return open(O_RDWR); });
  while (lease->is_held()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(writer.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  lease.reset();
  EXPECT_TRUE(writer.get().is_open());
}

TEST_F(LeaseTest, WhoDoesNotWaitIsRefusedAndSeen) {
  const Fd fd = open(O_RDONLY);
  const auto lease = ReadLease::take(fd);
  ASSERT_TRUE(lease);
  const auto error = [&] {
    try {
      static_cast<void>(open(O_WRONLY | O_NONBLOCK));
    } catch (const Error& refusal) {
      return refusal.error_number();
    }
    return 0;
  }();
  EXPECT_EQ(error, EWOULDBLOCK);
  EXPECT_FALSE(lease->is_held());
}

TEST_F(LeaseTest, IsNotGivenWhileSomebodyMayWrite) {
  const Fd fd = open(O_RDONLY);
  {
    const Fd writer = open(O_RDWR);
    EXPECT_FALSE(ReadLease::take(fd));
  }
  void* mapped = nullptr;
  {
    const Fd writer = open(O_RDWR);
    mapped = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, writer.get(), 0);
  }
  ASSERT_NE(mapped, MAP_FAILED);
  EXPECT_FALSE(ReadLease::take(fd));
  ::munmap(mapped, 4096);
  EXPECT_TRUE(ReadLease::take(fd));
}

TEST_F(LeaseTest, WhetherAFileIsOpenElsewhereIsKnownWhateverItIsOpenFor) {
  for (const int ours : {O_RDONLY, O_RDWR}) {
    const Fd fd = open(ours);
    EXPECT_TRUE(is_open_nowhere_else(fd)) << ours;
    for (const int theirs : {O_RDONLY, O_WRONLY, O_RDWR}) {
      const Fd other = open(theirs);
      EXPECT_FALSE(is_open_nowhere_else(fd)) << ours << " beside " << theirs;
    }
    // Another descriptor of the same opening is no other opening.
    const Fd same(::dup(fd.get()));
    EXPECT_TRUE(is_open_nowhere_else(fd)) << ours;
  }
}

TEST_F(LeaseTest, NobodyIsKeptOutByTheQuestionWhetherAFileIsOpenElsewhere) {
  const Fd fd = open(O_RDWR);
  std::atomic<bool> ends{false};
  auto asks = std::async(std::launch::async, [&] {
    while (!ends) static_cast<void>(is_open_nowhere_else(fd));
  });
  for (int i = 0; i < 1000; ++i) EXPECT_NO_THROW(static_cast<void>(open(O_RDWR)));
  ends = true;
  asks.get();
}

}  // namespace
}  // namespace cowshed
