// SPDX-License-Identifier: Apache-2.0
#include "io/priority.h"

#include <gtest/gtest.h>
#include <linux/ioprio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "copy_fixture.h"

namespace cowshed::io {
namespace {

int priority_of_this_thread() { return static_cast<int>(::syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0)); }
int class_of_this_thread() { return IOPRIO_PRIO_CLASS(priority_of_this_thread()); }

TEST(PriorityTest, LastsAsLongAsTheScope) {
  const int before = priority_of_this_thread();
  {
    const PriorityScope scope(Priority::idle);
    EXPECT_EQ(class_of_this_thread(), IOPRIO_CLASS_IDLE);
  }
  EXPECT_EQ(priority_of_this_thread(), before);
  {
    const PriorityScope scope(Priority::background);
    EXPECT_EQ(priority_of_this_thread(), IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7));
  }
  EXPECT_EQ(priority_of_this_thread(), before);
}

TEST(PriorityTest, InheritedChangesNothing) {
  const int before = priority_of_this_thread();
  const PriorityScope scope(Priority::inherited);
  EXPECT_EQ(priority_of_this_thread(), before);
}

TEST(PriorityTest, ThreadsStartedWithinHaveIt) {
  const PriorityScope scope(Priority::idle);
  int in_thread = -1;
  std::thread([&] { in_thread = class_of_this_thread(); }).join();
  EXPECT_EQ(in_thread, IOPRIO_CLASS_IDLE);
}

class CopyPriorityTest : public test::CopyTest {};

TEST_P(CopyPriorityTest, ACopyRunsWithItsPriorityAndGivesItBack) {
  fill(source(), "data");
  fill(target(), "");
  const int before = priority_of_this_thread();
  options_.priority = Priority::idle;
  int while_copying = -1;
  options_.progress = [&](Bytes) { while_copying = class_of_this_thread(); };
  copy({{{0}, {0}, {4}}});
  EXPECT_EQ(while_copying, IOPRIO_CLASS_IDLE);
  EXPECT_EQ(priority_of_this_thread(), before);
}

COWSHED_OVER_BOTH(CopyPriorityTest);

}  // namespace
}  // namespace cowshed::io
