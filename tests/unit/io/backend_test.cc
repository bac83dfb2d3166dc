// SPDX-License-Identifier: Apache-2.0
#include "io/backend.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "files_fixture.h"
#include "support/seed.h"
#include "ways.h"

namespace cowshed::io {
namespace {

using test::between;
using test::random_content;

constexpr Bytes file_size = mebibytes(1);
constexpr std::size_t memory_size = 1 << 20;

class BackendTest : public test::FilesTest, public ::testing::WithParamInterface<test::Way> {
 protected:
  void SetUp() override {
    if (!test::is_there(GetParam())) GTEST_SKIP() << "this machine has no " << GetParam().name;
    fill(source(), from_);
    fill(target(), to_);
    from_fd_ = open_file(source(), O_RDONLY);
    to_fd_ = open_file(target(), O_RDWR);
  }
  std::unique_ptr<Backend> open(unsigned depth) {
    return GetParam().open({.source_fd = from_fd_.get(),
                            .target_fd = to_fd_.get(),
                            .is_direct = false,
                            .memory = memory_,
                            .depth = depth});
  }
  static Completion run(Backend& backend, const Request& request) {
    std::vector<Completion> done;
    backend.submit(request);
    backend.wait(done);
    EXPECT_EQ(done.size(), 1u);
    return done.at(0);
  }
  std::span<std::byte> memory_of(std::size_t index, std::size_t size) {
    return std::span(memory_).subspan(index * size, size);
  }

  const std::string from_ = random_content(file_size, 14);
  const std::string to_ = random_content(file_size, 15);
  Fd from_fd_, to_fd_;
  std::vector<std::byte> memory_ = std::vector<std::byte>(memory_size);
};

TEST_P(BackendTest, AReadAtTheEndIsShortAndBeyondItEmpty) {
  const auto backend = open(1);
  Request request{.op = Op::read, .fd = from_fd_.get(), .offset = file_size - Bytes{100}, .length = {200}};
  request.memory = memory_.data();
  EXPECT_EQ(run(*backend, request).length, Bytes{100});
  request.offset = file_size + Bytes{5};
  EXPECT_EQ(run(*backend, request).length, Bytes{0});
}

TEST_P(BackendTest, ErrorsArePositiveErrnos) {
  const auto backend = open(1);
  Request request{.op = Op::write, .fd = from_fd_.get(), .offset = {0}, .length = {10}};
  request.memory = memory_.data();
  request.tag = 77;
  for (const bool direct : {false, true}) {
    request.is_direct = direct;
    const Completion completion = run(*backend, request);
    EXPECT_EQ(completion.error, EBADF);
    EXPECT_EQ(completion.tag, 77u);
  }
  request.fd = -1;
  EXPECT_EQ(run(*backend, request).error, EBADF);
}

TEST_P(BackendTest, PunchMakesZerosAndKeepsTheSize) {
  const auto backend = open(1);
  const auto completion =
      run(*backend,
          {.op = Op::punch, .fd = to_fd_.get(), .offset = file_size - kibibytes(8), .length = kibibytes(64)});
  EXPECT_EQ(completion.error, 0);
  EXPECT_TRUE(content(target()) == to_.substr(0, to_.size() - 8192) + std::string(8192, '\0'));
}

TEST_P(BackendTest, EachRequestComesBackOnceWithItsTag) {
  constexpr unsigned depth = 32;
  const auto backend = open(depth);
  std::vector<int> seen(std::size_t{depth} * 20);
  std::vector<Completion> done;
  std::size_t submitted = 0;
  for (std::size_t finished = 0; finished < seen.size();) {
    for (; submitted < seen.size() && submitted - finished < depth; ++submitted) {
      Request request{.op = Op::read, .fd = from_fd_.get(), .offset = {submitted * 512}, .length = {512}};
      request.memory = memory_of(submitted, 512).data();
      request.tag = submitted;
      backend->submit(request);
    }
    done.clear();
    backend->wait(done);
    for (const Completion& completion : done) ++seen.at(completion.tag);
    finished += done.size();
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), static_cast<std::ptrdiff_t>(seen.size()));
  EXPECT_EQ(std::memcmp(memory_.data(), from_.data(), seen.size() * 512), 0);
}

TEST_P(BackendTest, RandomRequestsDoWhatPreadAndPwriteWouldDo) {
  std::mt19937_64 random(test::seed());
  const auto backend = open(1);
  std::string model = to_;
  for (int i = 0; i < 500; ++i) {
    const std::uint64_t offset = between(random, 0, file_size.count - 1);
    const std::uint64_t length =
        between(random, 1, std::min<std::uint64_t>(memory_size, file_size.count - offset));
    Request request{.op = Op::read, .fd = to_fd_.get(), .offset = {offset}, .length = {length}};
    request.memory = memory_.data();
    if (between(random, 0, 1) == 0) {
      EXPECT_EQ(run(*backend, request).length.count, length);
      EXPECT_EQ(std::memcmp(memory_.data(), model.data() + offset, length), 0);
    } else {
      std::memset(memory_.data(), static_cast<int>(random() % 256), length);
      request.op = Op::write;
      EXPECT_EQ(run(*backend, request).length.count, length);
      std::memcpy(model.data() + offset, memory_.data(), length);
    }
  }
  EXPECT_TRUE(content(target()) == model);
}

TEST_P(BackendTest, CanEndWithNothingSubmitted) { open(8).reset(); }

COWSHED_OVER_BOTH(BackendTest);

/// In a thread of its own, which may not use io_uring from then on.
template <typename Body>
void without_uring(Body body) {
  std::thread([&] {
    std::array<sock_filter, 4> program = {{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
                                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
    const sock_fprog filter{.len = program.size(), .filter = program.data()};
    ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
    body();
  }).join();
}

TEST(OpenBackendTest, WhereIoUringIsForbiddenItIsAnother) {
  without_uring([] {
    const BackendSetup setup{.source_fd = 0, .target_fd = 0, .is_direct = false, .memory = {}, .depth = 4};
    EXPECT_EQ(open_backend(setup)->name(), "preadv");
    test::expect_error(ErrorKind::not_supported, [&] { open_uring(setup); });
  });
}

TEST(OpenBackendTest, IsOneThatWorks) {
  const auto backend =
      open_backend({.source_fd = 0, .target_fd = 0, .is_direct = false, .memory = {}, .depth = 4});
  EXPECT_FALSE(backend->name().empty());
}

}  // namespace
}  // namespace cowshed::io
