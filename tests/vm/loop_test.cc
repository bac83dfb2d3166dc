// SPDX-License-Identifier: Apache-2.0
#include "loop/loop.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <set>
#include <thread>

#include "dm/device.h"
#include "support/errors.h"
#include "support/vm_fixture.h"

namespace cowshed::loop {
namespace {

using test::eventually;
using test::expect_error;

Bytes size_of(const Loop& loop) {
  std::uint64_t size = 0;
  const Fd fd = open_file(loop.path(), O_RDONLY);
  EXPECT_EQ(::ioctl(fd.get(), BLKGETSIZE64, &size), 0);
  return {size};
}

/// What sysfs says of a loop device: the second opinion to LOOP_GET_STATUS64.
std::string sysfs(int number, const std::string& attribute) {
  std::string text = read_file(fmt::format("/sys/block/loop{}/{}", number, attribute), kibibytes(64));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

class LoopTest : public test::VmTest {
 protected:
  Path image() const { return scratch() / "image"; }
  Fd create_image(Bytes size = mebibytes(1)) const { return create_sparse(image(), size); }
  Loop attach(AttachOptions options = {}) { return Loop::attach(create_image(), image(), options); }
};

TEST_F(LoopTest, IsTheFileAsABlockDevice) {
  const Loop loop = attach();
  write_all(open_file(loop.path(), O_WRONLY), std::string(512, 'x'), loop.path());
  sync_path(loop.path());
  EXPECT_EQ(read_file(image(), mebibytes(1)).substr(0, 513), std::string(512, 'x') + '\0');
  EXPECT_EQ(size_of(loop), mebibytes(1));
  EXPECT_EQ(sysfs(loop.number(), "loop/backing_file"), image().native());
  EXPECT_EQ(sysfs(loop.number(), "dev"), fmt::format("{}:{}", loop.major(), loop.minor()));
}

TEST_F(LoopTest, InfoIsWhatSysfsSays) {
  for (const bool direct : {false, true})
    for (const bool read_only : {false, true})
      for (const bool autoclear : {false, true}) {
        const Loop loop = disk(mebibytes(1), {direct, read_only, autoclear});
        const Info info = loop.info();
        EXPECT_EQ(info.number, loop.number());
        EXPECT_EQ(info.direct_io, sysfs(loop.number(), "loop/dio") == "1");
        EXPECT_EQ(info.read_only, sysfs(loop.number(), "ro") == "1");
        EXPECT_EQ(info.autoclear, sysfs(loop.number(), "loop/autoclear") == "1");
        EXPECT_EQ(info.direct_io, direct);
        EXPECT_EQ(info.read_only, read_only);
        EXPECT_EQ(info.autoclear, autoclear);
      }
}

TEST_F(LoopTest, DirectIoThatTmpfsDropsIsNotReportedAsGranted) {
  const Fd file = create_unnamed("/tmp", mebibytes(1));
  const Loop loop = Loop::attach(file, "/tmp/unnamed", {.direct_io = true});
  EXPECT_FALSE(loop.direct_io());
}

TEST_F(LoopTest, ReadOnlyLoopRefusesWrites) {
  const Loop loop = attach({.read_only = true});
  const auto error = test::error_of([&] {
    const Fd fd = open_file(loop.path(), O_RDWR);
    write_all(fd, std::string(512, 'x'), loop.path());
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::permission) << error->message();
}

TEST_F(LoopTest, IsDetachedByTheDestructorUnlessKept) {
  int number = -1;
  {
    const Loop loop = attach();
    number = loop.number();
    EXPECT_TRUE(info(number).has_value());
  }
  EXPECT_TRUE(eventually([&] { return !info(number); }));
  Loop kept = disk(mebibytes(1));
  number = kept.number();
  kept.keep();
  EXPECT_TRUE(info(number).has_value());
  Loop::open(number).detach();
}

TEST_F(LoopTest, OpenedLoopIsNotDetachedByTheDestructor) {
  const Loop loop = attach();
  { const Loop again = Loop::open(loop.number()); }
  EXPECT_TRUE(info(loop.number()).has_value());
}

TEST_F(LoopTest, MovedLoopIsDetachedOnce) {
  Loop loop = attach();
  const int number = loop.number();
  {
    const Loop other = std::move(loop);
    EXPECT_TRUE(info(number).has_value());
  }
  EXPECT_TRUE(eventually([&] { return !info(number); }));
}

TEST_F(LoopTest, AutoclearLoopLastsAsLongAsATableHoldsIt) {
  const dm::DmUuid uuid("COWSHED-test");
  int number = -1;
  {
    const Loop loop = attach({.autoclear = true});
    number = loop.number();
    dm::Device::bring_up(control(), dm::DmName("test"), uuid,
                         dm::whole_device({8}, dm::Linear{number_of(loop), {0}}))
        .keep();
  }
  EXPECT_TRUE(info(number).has_value());
  control().remove(uuid);
  EXPECT_TRUE(eventually([&] { return !info(number); }));
}

TEST_F(LoopTest, KeptAutoclearLoopGoesWhereNothingHoldsIt) {
  Loop loop = attach({.autoclear = true});
  const int number = loop.number();
  loop.keep();
  EXPECT_TRUE(eventually([&] { return !info(number); }));
}

TEST_F(LoopTest, DetachWhileOpenIsNoErrorAndHappensWithTheLastClose) {
  Loop loop = attach();
  const int number = loop.number();
  Fd other = open_file(loop.path(), O_RDONLY);
  loop.detach();
  EXPECT_TRUE(info(number).has_value());
  other.reset();
  EXPECT_TRUE(eventually([&] { return !info(number); }));
}

TEST_F(LoopTest, CapacityFollowsTheFileOnlyWhenRefreshed) {
  const Fd file = create_image();
  Loop loop = Loop::attach(file, image(), {});
  ASSERT_EQ(::ftruncate(file.get(), 2 << 20), 0);
  EXPECT_EQ(size_of(loop), mebibytes(1));
  loop.refresh_capacity();
  EXPECT_EQ(size_of(loop), mebibytes(2));
}

TEST_F(LoopTest, IsFoundByInodeAfterRenameAndUnlink) {
  const Fd file = create_image();
  const FileId id = stat_fd(file, image()).id;
  const Loop loop = Loop::attach(file, image(), {});
  const Loop bystander = disk(mebibytes(1));
  const auto is_found = [&] {
    const auto found = find(id);
    return found.size() == 1 && found[0].number == loop.number();
  };
  EXPECT_TRUE(is_found());
  rename_durably(image(), scratch() / "renamed");
  EXPECT_TRUE(is_found());
  unlink_if_exists(scratch() / "renamed");
  EXPECT_TRUE(is_found());
  EXPECT_EQ(list().size(), 2u);
}

TEST_F(LoopTest, NothingIsFoundForAFileWithoutALoop) {
  const Fd file = create_image();
  EXPECT_TRUE(find(stat_fd(file, image()).id).empty());
}

TEST_F(LoopTest, LoopsThatAreNotThereAreNothing) {
  EXPECT_FALSE(info(1 << 19).has_value());
  int number = -1;
  {
    const Loop loop = attach();
    number = loop.number();
  }
  EXPECT_TRUE(eventually([&] { return !info(number); }));
  expect_error(ErrorKind::not_found, [&] { Loop::open(number); });
  expect_error(ErrorKind::not_found, [&] { Loop::open(1 << 19); });
}

TEST_F(LoopTest, IsKnownByItsDeviceNumber) {
  const Loop loop = attach();
  const auto found = info_of_device(loop.major(), loop.minor());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->number, loop.number());
  EXPECT_FALSE(info_of_device(1, 3).has_value());
}

TEST_F(LoopTest, ThreadsThatAttachTogetherGetDifferentLoops) {
  std::vector<std::thread> threads;
  std::vector<std::vector<Loop>> attached(4);
  for (auto& mine : attached)
    threads.emplace_back([&] {
      for (int i = 0; i < 8; ++i) mine.push_back(disk(mebibytes(1)));
    });
  for (std::thread& thread : threads) thread.join();
  std::set<int> numbers;
  for (const auto& mine : attached)
    for (const Loop& loop : mine) numbers.insert(loop.number());
  EXPECT_EQ(numbers.size(), 32u);
}

TEST_F(LoopTest, RunningOutOfDescriptorsIsAClearErrorAndAttachesNothing) {
  const Fd file = create_image();
  rlimit saved{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &saved), 0);
  int points = 0;
  for (rlim_t limit = static_cast<rlim_t>(file.get()) + 1;; ++limit, ++points) {
    const rlimit few{limit, saved.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    const auto error = test::error_of([&] { Loop::attach(file, image(), {}); });
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &saved), 0);
    if (!error) break;
    EXPECT_EQ(error->error_number(), EMFILE) << error->message();
    EXPECT_NE(error->message().find(image().native()), std::string::npos) << error->message();
    EXPECT_TRUE(list().empty());
  }
  EXPECT_EQ(points, 2);
}

TEST_F(LoopTest, WhatIsNoFileIsRefused) {
  const Fd directory = open_file(scratch(), O_RDONLY | O_DIRECTORY);
  const auto error = test::error_of([&] { Loop::attach(directory, scratch(), {}); });
  ASSERT_TRUE(error);
  EXPECT_NE(error->message().find("LOOP_CONFIGURE"), std::string::npos) << error->message();
}

}  // namespace
}  // namespace cowshed::loop
