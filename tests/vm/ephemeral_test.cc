// SPDX-License-Identifier: Apache-2.0
// Ephemeral volumes of the `file` driver: what the guest reads, what is on the disk, and where the key is
// not.
#include <fcntl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <random>

#include "dm/device.h"
#include "support/file_pool_fixture.h"
#include "support/own_memory.h"
#include "support/process.h"
#include "support/seed.h"

namespace {

constexpr std::size_t key_size = 64;
/// The last key that was drawn, in disguise: nobody else tells what it is.
std::string last_key;  // NOLINT(cert-err58-cpp)

}  // namespace

/// In place of libc's, for all of this program.
extern "C" ssize_t getrandom(void* into, size_t size, unsigned flags) {
  const ssize_t got = ::syscall(SYS_getrandom, into, size, flags);
  if (got == static_cast<ssize_t>(key_size))
    last_key = cowshed::test::disguised({static_cast<const char*>(into), key_size});
  return got;
}

namespace cowshed::test {
namespace {

class EphemeralTest : public FilePoolTest {
 protected:
  void SetUp() override {
    FilePoolTest::SetUp();
    last_key.clear();
  }

  pools::Volume& ephemeral(const std::string& name = "work") {
    auto p = properties("appvms/" + name + "/volatile");
    p.ephemeral = true;
    return add(p);
  }

  static std::string read_all(const Path& node) {
    const Fd fd = open_direct(node, O_RDONLY);
    std::string content(image_size.count, '?');
    alignas(4096) static char sector[512];
    for (std::size_t at = 0; at < content.size(); at += sizeof sector) {
      if (::pread(fd.get(), sector, sizeof sector, static_cast<off_t>(at)) != ssize_t{sizeof sector})
        throw Error::from_errno(errno, "read");
      content.replace(at, sizeof sector, sector, sizeof sector);
    }
    return content;
  }
  static void write_at(const Path& node, std::size_t at, const std::string& data) {
    const Fd fd = open_direct(node, O_RDWR);
    alignas(4096) static char buffer[64 << 10];
    data.copy(buffer, sizeof buffer);
    if (::pwrite(fd.get(), buffer, data.size(), static_cast<off_t>(at)) != static_cast<ssize_t>(data.size()))
      throw Error::from_errno(errno, "write");
  }
  static const std::string& zeros() {
    static const std::string all(image_size.count, '\0');
    return all;
  }

  /// Of all disks: `wanted` in disguise.
  bool scratch_disk_holds(std::string_view wanted) {
    ::sync();
    const Fd fd = open_direct(std::getenv("SCRATCH_DEV"), O_RDONLY);
    return Searcher().finds(fd.get(), wanted, 0, UINT64_MAX);
  }
  static Outcome shell(const std::string& line) { return run_program({"bash", "-c", line}); }

  std::string table_of(const std::string& role, const std::string& option = {}) {
    return shell("dmsetup table " + option + " | grep ':" + role + "'").out;
  }
};

/// The kernel then has a keyring for nobody.
class WithoutKeyring {
 public:
  WithoutKeyring() { set("1"); }
  ~WithoutKeyring() { set("25000000"); }
  WithoutKeyring(const WithoutKeyring&) = delete;
  WithoutKeyring& operator=(const WithoutKeyring&) = delete;

 private:
  static void set(const char* bytes) {
    const Path limit = "/proc/sys/kernel/keys/root_maxbytes";
    write_all(open_file(limit, O_WRONLY), bytes, limit);
  }
};

TEST_F(EphemeralTest, all_of_it_reads_as_zeros_at_each_start_the_first_64_kib_as_the_rest) {
  auto& volume = ephemeral();
  for (int round = 0; round < 2; ++round) {
    const Path node = start(volume);
    EXPECT_TRUE(read_all(node) == zeros()) << "in round " << round;
    write_at(node, 0, std::string(64 << 10, 'x'));
    write_at(node, image_size.count - 512, std::string(512, 'x'));
    stop(volume);
  }
}

TEST_F(EphemeralTest, what_is_written_is_what_a_plain_model_says) {
  std::mt19937_64 random(seed());
  std::string model = zeros();
  auto& volume = ephemeral();
  const Path node = start(volume);
  for (int i = 0; i < 200; ++i) {
    const std::size_t size = between(random, 1, 32) * 512;
    const std::size_t at = between(random, 0, (model.size() - size) / 512) * 512;
    const std::string data(size, static_cast<char>(between(random, 1, 255)));
    model.replace(at, size, data);
    write_at(node, at, data);
  }
  EXPECT_TRUE(read_all(node) == model);
  stop(volume);
}

TEST_F(EphemeralTest, all_of_it_can_be_rewritten) {
  auto& volume = ephemeral();
  const Path node = start(volume);
  for (const char value : {'a', 'b'})
    for (std::size_t at = 0; at < image_size.count; at += 512) write_at(node, at, std::string(512, value));
  EXPECT_TRUE(read_all(node) == std::string(image_size.count, 'b'));
  EXPECT_GE(volume.usage(), image_size);
  stop(volume);
}

TEST_F(EphemeralTest, nothing_of_what_is_written_is_on_the_disk_in_clear) {
  std::string text;
  while (text.size() < (64 << 10)) text += "nobody is to find this but who wrote it. ";
  text.resize(64 << 10);
  const std::string wanted = disguised(std::string_view(text).substr(0, 40));
  auto& hidden = ephemeral();
  const Path node = start(hidden);
  write_at(node, 0, text);
  ASSERT_TRUE(read_all(node).starts_with(text));
  EXPECT_FALSE(scratch_disk_holds(wanted));
  auto& open = add(properties("appvms/open/volatile"));
  write_at(start(open), 0, text);
  EXPECT_TRUE(scratch_disk_holds(wanted)) << "the search finds what is there";
  for (auto* volume : {&hidden, &open}) stop(*volume);
}

TEST_F(EphemeralTest, the_key_is_nowhere_where_there_is_a_keyring) {
  auto& volume = ephemeral();
  start(volume);
  ASSERT_EQ(last_key.size(), key_size);
  const std::string hex = disguised_hex(last_key);
  EXPECT_NE(table_of("crypt").find(" crypt aes-xts-plain64 :64:logon:cowshed:"), std::string::npos);
  for (const char* option : {"", "--showkeys"}) {
    const std::string tables = shell(std::string("dmsetup table ") + option).out;
    EXPECT_FALSE(tables.empty());
    EXPECT_FALSE(holds(tables, hex)) << "dmsetup table " << option;
  }
  EXPECT_EQ(read_file("/proc/keys", mebibytes(1)).find("cowshed"), std::string::npos);
  const auto expect_nowhere = [&](const char* when) {
    for (const auto& wanted : {last_key, last_key.substr(0, 32), last_key.substr(32), hex}) {
      EXPECT_FALSE(own_memory_holds(wanted)) << when;
    }
    EXPECT_FALSE(scratch_disk_holds(last_key)) << when;
    EXPECT_FALSE(holds(shell("dmesg").out, hex)) << when;
  };
  expect_nowhere("while it runs");
  stop(volume);
  expect_nowhere("after its stop");
  const std::string remembered = disguised(last_key);
  EXPECT_TRUE(own_memory_holds(last_key)) << "the search finds what is there";
}

TEST_F(EphemeralTest, without_a_keyring_the_key_is_in_the_kernels_table_only) {
  auto& volume = ephemeral();
  {
    const WithoutKeyring now;
    testing::internal::CaptureStderr();
    start(volume);
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("the kernel's keyring cannot be used (Disk quota exceeded)"), std::string::npos)
        << said;
    EXPECT_FALSE(holds(said, disguised_hex(last_key)));
  }
  ASSERT_EQ(last_key.size(), key_size);
  const std::string hex = disguised_hex(last_key);
  // Before anything else reads the table.
  EXPECT_FALSE(own_memory_holds(last_key));
  EXPECT_FALSE(own_memory_holds(hex));
  EXPECT_FALSE(scratch_disk_holds(last_key));
  EXPECT_FALSE(holds(shell("dmesg").out, hex));
  EXPECT_FALSE(holds(table_of("crypt"), hex));
  put(volume.block_device()->node, first_block, 'x');
  EXPECT_EQ(get(volume.block_device()->node, first_block), 'x');
  stop(volume);
  EXPECT_FALSE(own_memory_holds(last_key)) << "after its stop";
  EXPECT_FALSE(own_memory_holds(hex)) << "after its stop";
}

TEST_F(EphemeralTest, the_key_that_these_tests_look_for_is_that_of_the_kernel) {
  auto& volume = ephemeral();
  {
    const WithoutKeyring now;
    start(volume);
  }
  EXPECT_TRUE(holds(table_of("crypt", "--showkeys"), disguised_hex(last_key)));
  stop(volume);
}

TEST_F(EphemeralTest, each_start_has_another_key) {
  auto& volume = ephemeral();
  start(volume);
  const std::string first = last_key;
  stop(volume);
  start(volume);
  EXPECT_NE(first, last_key);
  stop(volume);
}

TEST_F(EphemeralTest, the_pools_default_counts_where_the_volume_says_nothing) {
  pool().set_ephemeral_volatile(true);
  auto& follows = add(properties("appvms/a/volatile"));
  auto not_this = properties("appvms/b/volatile");
  not_this.ephemeral = false;
  auto& plain = add(not_this);
  auto read_only = properties("appvms/c/volatile");
  read_only.rw = false;
  auto& unwritten = add(read_only);
  auto& root = origin("debian");
  for (auto* volume : {&follows, &plain, &unwritten, &root}) {
    start(*volume);
    EXPECT_EQ(volume->layers().front().role == "ephemeral", volume == &follows);
  }
  // What runs decides how it is stopped.
  pool().set_ephemeral_volatile(false);
  for (auto* volume : {&follows, &plain, &unwritten, &root}) stop(*volume);
}

TEST_F(EphemeralTest, its_layers_are_told_top_first) {
  auto& volume = ephemeral();
  const Path node = start(volume);
  std::vector<std::string> roles;
  for (const auto& layer : volume.layers()) roles.push_back(layer.role);
  EXPECT_EQ(roles, (std::vector<std::string>{"ephemeral", "zero", "crypt", "cow"}));
  EXPECT_EQ(volume.layers().front().node, node);
  EXPECT_TRUE(volume.is_running());
  EXPECT_TRUE(volume.block_device()->rw);
  EXPECT_EQ(volume.block_device()->node, node);
  stop(volume);
  EXPECT_FALSE(volume.is_running());
  EXPECT_TRUE(volume.layers().empty());
}

TEST_F(EphemeralTest, it_has_no_file_with_a_name) {
  auto& volume = ephemeral();
  put(start(volume), first_block, 'x');
  EXPECT_EQ(shell("find " + scratch().native() + " -type f").out, "");
  EXPECT_EQ(volume.paths().path, Path{});
  stop(volume);
}

TEST_F(EphemeralTest, it_is_not_started_twice) {
  auto& volume = ephemeral();
  start(volume);
  expect_error(ErrorKind::running, [&] { volume.start().get(); });
  stop(volume);
}

TEST_F(EphemeralTest, it_is_not_stopped_while_its_device_is_open) {
  auto& volume = ephemeral();
  {
    const Fd guest = open_direct(start(volume), O_RDWR);
    expect_error(ErrorKind::in_use, [&] { volume.stop({}).get(); });
    write_block(guest, first_block, 'x');
    EXPECT_EQ(read_block(guest, first_block), 'x');
  }
  stop(volume);
}

TEST_F(EphemeralTest, it_grows_only_while_it_is_stopped) {
  auto& volume = ephemeral();
  volume.resize(image_size + mebibytes(1), false, nullptr).get();
  start(volume);
  const auto refusal = error_of([&] { volume.resize(image_size + mebibytes(1), false, nullptr).get(); });
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->kind(), ErrorKind::not_supported);
  stop(volume);
}

TEST_F(EphemeralTest, an_abandoned_one_leaves_nothing) {
  auto& volume = ephemeral();
  start(volume);
  volume.abandon().get();
  pool().finish();
  EXPECT_TRUE(control().list("COWSHED-").empty());
}

TEST_F(EphemeralTest, recovery_removes_what_no_guest_stands_on) {
  auto& volume = ephemeral();
  start(volume);
  // As a stop that was killed before it came to what is below.
  for (const auto& entry : control().list("COWSHED-"))
    if (entry.uuid.find("-ephemeral-") != std::string::npos) control().remove(dm::DmUuid(entry.uuid));
  ASSERT_EQ(control().list("COWSHED-").size(), 2u);
  EXPECT_FALSE(volume.is_running());
  pools::Volume* const all[] = {&volume};
  EXPECT_EQ(pool().recover(all, true).lines.size(), 2u);
  ASSERT_EQ(control().list("COWSHED-").size(), 2u) << "after a dry run";
  EXPECT_TRUE(pool().recover(all, false).complete);
  EXPECT_TRUE(control().list("COWSHED-").empty());
}

TEST_F(EphemeralTest, recovery_leaves_one_that_runs_alone) {
  auto& volume = ephemeral();
  put(start(volume), first_block, 'x');
  pools::Volume* const all[] = {&volume};
  EXPECT_TRUE(pool().recover(all, false).lines.empty());
  EXPECT_EQ(get(volume.block_device()->node, first_block), 'x');
  stop(volume);
}

TEST_F(EphemeralTest, a_kernel_without_the_target_is_told_which_module_is_missing) {
  // The whole of it in a shell, so that what it takes away comes back.
  const Outcome outcome = shell(
      "modprobe -r dm-crypt && loader=$(cat /proc/sys/kernel/modprobe) && echo /bin/false "
      ">/proc/sys/kernel/modprobe && "
      "echo $loader");
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  auto& volume = ephemeral();
  const auto refusal = error_of([&] { volume.start().get(); });
  shell("echo " + lines_of(outcome.out).at(0) + " >/proc/sys/kernel/modprobe; modprobe dm-crypt");
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->kind(), ErrorKind::not_supported);
  EXPECT_NE(refusal->message().find("dm_crypt"), std::string::npos) << refusal->message();
}

TEST_F(EphemeralTest, only_volatile_volumes_that_the_guest_can_write_are_ephemeral) {
  auto read_only = properties("appvms/work/volatile");
  read_only.ephemeral = true;
  read_only.rw = false;
  expect_error(ErrorKind::invalid_argument, [&] { pool().check(read_only); });
  auto saved = properties("appvms/work/private");
  saved.ephemeral = true;
  saved.save_on_stop = true;
  expect_error(ErrorKind::invalid_argument, [&] { pool().check(saved); });
  auto snapshot = properties("appvms/work/root");
  snapshot.size = {};
  snapshot.ephemeral = true;
  snapshot.snap_on_start = true;
  expect_error(ErrorKind::invalid_argument, [&] { pool().check(snapshot); });
}

}  // namespace
}  // namespace cowshed::test
