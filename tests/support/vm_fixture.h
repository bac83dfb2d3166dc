// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "dm/control.h"
#include "loop/loop.h"
#include "support/kernel_log.h"

namespace cowshed::test {

/// For tests that need root and a kernel with device-mapper: scripts/vm. Elsewhere they are skipped; inside
/// the VM ($COWSHED_VM) a skip is a failure. After each test no device-mapper device and no loop device may
/// be left and the kernel must not have complained; what is left is reported and then cleaned away for the
/// next test.
class VmTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// A directory on the VM's ext4 (COWSHED_SCRATCH, else /scratch), empty at first; gone after the test.
  [[nodiscard]] const Path& scratch() const { return scratch_; }
  /// Under `base`; called once.
  virtual Path make_scratch(const Path& base);
  dm::Control& control() { return *control_; }

  /// A loop device over a new unnamed sparse file in scratch().
  loop::Loop disk(Bytes size, loop::AttachOptions options = {});
  static dm::DeviceNumber number_of(const loop::Loop& loop) { return {loop.major(), loop.minor()}; }

  /// Lines of the kernel log since the test began.
  std::vector<std::string> kernel_lines();

 private:
  void report_leftovers();

  Path scratch_;
  std::unique_ptr<dm::Control> control_;
  std::unique_ptr<KernelLog> kernel_log_;
  std::vector<std::string> kernel_lines_;
};

/// Tries until `condition` holds or five seconds are over; for what other programs or the kernel do in their
/// own time.
template <typename Condition>
bool eventually(Condition&& condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    ::usleep(10'000);
  }
  return condition();
}

/// Takes all device-mapper devices and loop devices away and says which there were.
std::vector<std::string> clear_kernel(dm::Control& control);

/// Opens without the page cache in between. `flags` as open(2).
Fd open_direct(const Path& device, int flags);
/// One aligned block of `value`s, or read from there.
void write_block(const Fd& fd, Bytes offset, char value, Bytes length = kibibytes(4));
/// The block's value where all its bytes are equal; else fails the test.
char read_block(const Fd& fd, Bytes offset, Bytes length = kibibytes(4));
/// The kernel itself, whatever the node permits.
bool kernel_refuses_writes(const Path& node);

}  // namespace cowshed::test
