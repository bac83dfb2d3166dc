// SPDX-License-Identifier: Apache-2.0
#include "support/vm_fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace cowshed::test {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// Why the test cannot run here; empty where it can.
std::string obstacle() {
  if (::geteuid() != 0) return "needs root";
  try {
    dm::open_control_device();
  } catch (const Error& error) {
    return error.message();
  }
  return {};
}

}  // namespace

Path VmTest::make_scratch(const Path& base) {
  std::string path = base / "test-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) throw Error::from_errno(errno, "create directory " + path);
  return path;
}

void VmTest::SetUp() {
  if (const std::string why = obstacle(); !why.empty()) {
    ASSERT_TRUE(environment("COWSHED_VM").empty()) << "in the VM nothing may be skipped: " << why;
    GTEST_SKIP() << why << "; run it by scripts/vm";
  }
  kernel_log_ = std::make_unique<KernelLog>();
  const std::string base = environment("COWSHED_SCRATCH");
  scratch_ = make_scratch(base.empty() ? "/scratch" : base);
  control_ = std::make_unique<dm::Control>();
}

std::vector<std::string> VmTest::kernel_lines() {
  std::ranges::copy(kernel_log_->new_lines(), std::back_inserter(kernel_lines_));
  return kernel_lines_;
}

void VmTest::TearDown() {
  if (!control_) return;
  report_leftovers();
  std::filesystem::remove_all(scratch_);
  for (const std::string& line : kernel_lines()) EXPECT_FALSE(is_alarming(line)) << "kernel: " << line;
}

std::vector<std::string> clear_kernel(dm::Control& control) {
  std::vector<std::string> cleared;
  // Until there is no progress: a device may stand on another.
  for (std::size_t before = SIZE_MAX; control.list().size() < before;) {
    const auto devices = control.list();
    before = devices.size();
    for (const auto& device : devices) {
      cleared.push_back("device " + device.name + " (" + device.uuid + ")");
      control.clear(device.number);
      control.resume(device.number);
      control.remove(device.number, true);
    }
  }
  for (const auto& left : loop::list()) {
    cleared.push_back("loop device " + std::to_string(left.number));
    loop::Loop::open(left.number).detach();
  }
  return cleared;
}

void VmTest::report_leftovers() {
  // Autoclear and deferred removal come with a last close, which may be udev's.
  if (eventually([&] { return control_->list().empty() && loop::list().empty(); })) return;
  for (const auto& left : clear_kernel(*control_)) ADD_FAILURE() << "left over: " << left;
}

loop::Loop VmTest::disk(Bytes size, loop::AttachOptions options) {
  const Fd file = create_unnamed(scratch_, size);
  return loop::Loop::attach(file, scratch_ / "unnamed", options);
}

Fd open_direct(const Path& device, int flags) { return open_file(device, flags | O_DIRECT); }

namespace {

/// Memory aligned as O_DIRECT wants it.
class Block {
 public:
  explicit Block(Bytes length)
      : bytes_(static_cast<char*>(std::aligned_alloc(page, (length.count + page - 1) / page * page))) {}
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() { std::free(bytes_); }
  [[nodiscard]] char* get() const { return bytes_; }

 private:
  static constexpr std::size_t page = 4096;
  char* bytes_;
};

void expect_whole(ssize_t done, Bytes length, const char* call) {
  if (done < 0) throw Error::from_errno(errno, call);
  if (static_cast<std::size_t>(done) != length.count)
    throw Error(ErrorKind::kernel_refused, "short transfer");
}

}  // namespace

void write_block(const Fd& fd, Bytes offset, char value, Bytes length) {
  const Block block(length);
  std::memset(block.get(), value, length.count);
  expect_whole(::pwrite(fd.get(), block.get(), length.count, static_cast<off_t>(offset.count)), length,
               "pwrite");
}

bool kernel_refuses_writes(const Path& node) {
  const Fd fd(::open(node.c_str(), O_RDWR | O_CLOEXEC));
  const bool refused = !fd.is_open() || ::write(fd.get(), "x", 1) < 0;
  return refused && (errno == EPERM || errno == EACCES || errno == EROFS);
}

char read_block(const Fd& fd, Bytes offset, Bytes length) {
  const Block block(length);
  expect_whole(::pread(fd.get(), block.get(), length.count, static_cast<off_t>(offset.count)), length,
               "pread");
  const char first = *block.get();
  EXPECT_EQ(std::count(block.get(), block.get() + length.count, first),
            static_cast<std::ptrdiff_t>(length.count))
      << "the block at " << offset.count << " is torn";
  return first;
}

}  // namespace cowshed::test
