// SPDX-License-Identifier: Apache-2.0
// The pool's file system is full while a guest writes.
#include <fcntl.h>

#include "support/full_disk.h"

namespace cowshed::test {
namespace {

constexpr Bytes first_block{0};
constexpr Bytes chunk = kibibytes(64);
constexpr Bytes end = mebibytes(4);

class FullSessionTest : public FullDiskTest {
 protected:
  /// Of chunks from the second on, in order, each acknowledged by the disk; ends where one is refused.
  Bytes write_until_refused(char value) {
    const Fd disk = open_direct(node("debian", "root"), O_RDWR | O_DSYNC);
    Bytes at = chunk;
    try {
      for (; at < end; at = at + chunk) write_block(disk, at, value, chunk);
    } catch (const std::exception&) {
      // Refused.
    }
    return at;
  }
  void start_and_write(char value) {
    must({"vm", "start", "debian"});
    put("debian", "root", first_block, value);
    ::sync();
  }
};

TEST_F(FullSessionTest, OverTheImageKeepsWhatWasAcknowledged) {
  create_template_with_revision();
  start_and_write('c');
  leave_free(64);
  const Bytes refused = write_until_refused('d');
  EXPECT_GT(refused, chunk);
  ASSERT_LT(refused, end) << "nothing was refused";
  remove_cause();
  must({"vm", "stop", "debian"});
  must({"vm", "start", "debian"});
  EXPECT_EQ(get("debian", "root", first_block), 'c');
  const Fd disk = open_direct(node("debian", "root"), O_RDONLY);
  for (Bytes at = chunk; at < refused; at = at + chunk)
    EXPECT_EQ(read_block(disk, at, chunk), 'd') << at.count;
}

/// The guest's writes reach the image all the same, and the committed state cannot be had back.
TEST_F(FullSessionTest, InTheImageIsNotTakenForACommit) {
  create_template_with_revision();
  must({"volume", "set", "debian:root", "write_policy", "in-place"});
  // Chunks that hold something, or saving them takes no space.
  start_and_write('c');
  EXPECT_EQ(write_until_refused('c'), end);
  must({"vm", "stop", "debian"});
  start_and_write('d');
  leave_free(64);
  EXPECT_EQ(write_until_refused('d'), end);
  remove_cause();
  const Outcome stopped = cowshed({"--json", "vm", "stop", "debian"});
  EXPECT_EQ(stopped.status, 1);
  EXPECT_NE(stopped.err.find("corrupt_image"), std::string::npos) << stopped.text();
  EXPECT_NE(stopped.err.find("both files are kept"), std::string::npos) << stopped.text();
  EXPECT_TRUE(path_exists(root("-cow.img")));
  EXPECT_TRUE(image_content().starts_with('d'));
  EXPECT_NE(cowshed({"volume", "info", "debian:root"}).err.find("invalid"), std::string::npos);
  for (const Command& command :
       {Command{"vm", "stop", "debian", "--discard"}, {"recover"}, {"vm", "start", "debian"}})
    EXPECT_EQ(cowshed(command).status, 1) << command.front();
  EXPECT_TRUE(path_exists(root("-cow.img")));
  EXPECT_TRUE(image_content().starts_with('d'));
}

}  // namespace
}  // namespace cowshed::test
