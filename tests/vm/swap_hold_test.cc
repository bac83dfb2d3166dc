// SPDX-License-Identifier: Apache-2.0
// Putting the committed view onto a store with a million exceptions takes the kernel seconds of reading; who
// reads through the view is held for the swap alone.
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "dm/device.h"
#include "layers/host.h"
#include "layers/store_file.h"
#include "layers/views.h"
#include "support/vm_fixture.h"

namespace cowshed::test {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::uint64_t exceptions = 1'000'000;
const cow::ChunkSize chunk{kibibytes(4)};
/// Every second chunk, so that the kernel cannot join neighbours into one exception.
constexpr Bytes image_size = kibibytes(4) * 2 * exceptions;
constexpr Bytes in_store{0}, not_in_store = kibibytes(4);

/// Reads two blocks by turns, past the page cache, until it is destroyed.
class TimedReader {
 public:
  explicit TimedReader(const Path& node) : fd_(open_direct(node, O_RDONLY)), thread_([this] { run(); }) {}
  ~TimedReader() {
    stop_ = true;
    thread_.join();
  }
  TimedReader(const TimedReader&) = delete;
  TimedReader& operator=(const TimedReader&) = delete;

  [[nodiscard]] std::uint64_t reads() const { return reads_; }
  [[nodiscard]] bool saw_no_change() const { return wrong_ == 0; }
  /// Of those that have ended since this was last called.
  Milliseconds longest_wait() { return Milliseconds(longest_.exchange(0)); }

 private:
  void run() {
    while (!stop_) {
      read(in_store, 's');
      read(not_in_store, 'i');
    }
  }
  void read(Bytes at, char wanted) {
    const auto begin = Clock::now();
    if (read_block(fd_, at) != wanted) ++wrong_;
    const double waited = Milliseconds(Clock::now() - begin).count();
    if (waited > longest_) longest_ = waited;
    ++reads_;
  }

  const Fd fd_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> reads_ = 0, wrong_ = 0;
  std::atomic<double> longest_ = 0;
  std::thread thread_;
};

/// One call of device-mapper's, and what the reader did meanwhile.
struct Call {
  unsigned long request;
  std::string uuid;
  std::uint32_t flags;
  Milliseconds took;
  std::uint64_t reads_meanwhile;
};

class WatchedPort : public dm::IoctlPort {
 public:
  WatchedPort(std::vector<Call>& calls, const std::unique_ptr<TimedReader>& reader)
      : calls_(calls), reader_(reader), real_(dm::open_control_device()) {}

  int issue(unsigned long request, void* buffer) override {
    const dm_ioctl asked = *static_cast<const dm_ioctl*>(buffer);
    const std::uint64_t before = reads();
    const auto begin = Clock::now();
    const int result = real_->issue(request, buffer);
    const int error = errno;
    calls_.push_back({request, asked.uuid, asked.flags, Clock::now() - begin, reads() - before});
    errno = error;
    return result;
  }

 private:
  [[nodiscard]] std::uint64_t reads() const { return reader_ ? reader_->reads() : 0; }

  std::vector<Call>& calls_;
  const std::unique_ptr<TimedReader>& reader_;
  std::unique_ptr<dm::IoctlPort> real_;
};

class SwapHoldTest : public VmTest {
 protected:
  [[nodiscard]] Path image() const { return scratch() / "root.img"; }
  [[nodiscard]] Path store() const { return scratch() / "root-commit-cow.img"; }

  void make_files() const {
    const Fd image_file = create_sparse(image(), image_size);
    write_block(image_file, in_store, 's');
    write_block(image_file, not_in_store, 'i');
    const Fd store_file = create_sparse(store(), cow::size_with(chunk, exceptions));
    cow::Writer writer(layers::write_to(store_file), {chunk});
    for (std::uint64_t i = 0; i < exceptions; ++i) {
      const Bytes data = chunk.bytes() * writer.add(2 * i);
      if (i == 0) write_block(store_file, data, 's');
    }
    writer.finish();
    for (const Fd* file : {&image_file, &store_file}) sync_file(*file, scratch());
  }
  [[nodiscard]] layers::Views views_of(layers::Host& host) const {
    return {host, layers::VolumeKey({1, 2}, PoolName("test"), Vid("vm-templates/debian/root")), image()};
  }
  void remove(const layers::OurDevice& device) {
    EXPECT_TRUE(eventually([&] { return control().info(device.uuid)->open_count == 0; }));
    control().remove(device.uuid);
  }
};

std::vector<Call> calls_on(const std::vector<Call>& all, const dm::DmUuid& uuid) {
  std::vector<Call> calls;
  std::ranges::copy_if(all, std::back_inserter(calls),
                       [&](const Call& call) { return call.uuid == uuid.str(); });
  return calls;
}

std::vector<Call> of_kind(const std::vector<Call>& all, unsigned long request) {
  std::vector<Call> calls;
  std::ranges::copy_if(all, std::back_inserter(calls),
                       [&](const Call& call) { return call.request == request; });
  return calls;
}

TEST_F(SwapHoldTest, AReaderIsHeldForTheSwapAndNotWhileAMillionExceptionsAreRead) {
  make_files();
  std::vector<Call> calls;
  std::unique_ptr<TimedReader> reader;
  layers::Host host(std::make_unique<WatchedPort>(calls, reader));
  layers::Views views = views_of(host);
  const layers::OurDevice frozen = views.make_top(views.read());
  const Path node = dm::node_of(frozen.device);
  reader = std::make_unique<TimedReader>(node);
  EXPECT_TRUE(eventually([&] { return reader->reads() > 100; }));
  const Milliseconds undisturbed = reader->longest_wait();
  calls.clear();
  const layers::OurDevice top = views.freeze(views.read(), store());
  const Milliseconds longest = reader->longest_wait();

  const auto on_view = calls_on(calls, frozen.uuid);
  const auto loads = of_kind(on_view, DM_TABLE_LOAD), resumes = of_kind(on_view, DM_DEV_SUSPEND);
  ASSERT_EQ(loads.size(), 1U);
  ASSERT_EQ(resumes.size(), 1U) << "suspended apart from being resumed: readers wait for all between";
  EXPECT_EQ(resumes[0].flags & DM_SUSPEND_FLAG, 0U);
  EXPECT_EQ(on_view.back().request, DM_DEV_SUSPEND);
  EXPECT_GE(loads[0].reads_meanwhile, 10U) << "readers are held while the table is loaded";
  fmt::print(
      "{} exceptions: loaded in {:.0f} ms, {} reads meanwhile; swapped in {:.1f} ms; a read took {:.1f} ms "
      "at "
      "most, {:.1f} ms before\n",
      exceptions, loads[0].took.count(), loads[0].reads_meanwhile, resumes[0].took.count(), longest.count(),
      undisturbed.count());

  // All were read, and what is written to the image from here on is not seen.
  const auto status = dm::SnapshotStatus::parse(control().status(frozen.uuid).at(0).params);
  EXPECT_EQ(to_bytes(status.allocated), to_bytes(status.metadata) + chunk.bytes() * exceptions);
  write_block(open_file(image(), O_RDWR), in_store, 'n');
  EXPECT_EQ(read_block(open_direct(dm::node_of(top.device), O_RDONLY), in_store), 'n');
  const std::uint64_t reads = reader->reads();
  EXPECT_TRUE(eventually([&] { return reader->reads() > reads + 100; }));
  EXPECT_TRUE(reader->saw_no_change());
  reader.reset();
  for (const auto& view : {frozen, top}) remove(view);
}

}  // namespace
}  // namespace cowshed::test
