// SPDX-License-Identifier: Apache-2.0
//
// What an upper layer costs, by the size of its chunks and of its origin, and what it saves a start when it
// stands ready. As root, in scripts/vm or where device-mapper is.
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "cow/store.h"
#include "dm/device.h"
#include "layers/host.h"
#include "layers/image_loop.h"
#include "memory.h"
#include "pools/driver_context.h"
#include "pools/pool.h"
#include "program.h"

namespace bench {
namespace {

using namespace cowshed;
using Clock = std::chrono::steady_clock;

double microseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// KiB that the kernel has free; all that is kept for reading again is thrown away first.
long free_memory() {
  forget_files();
  return kib_of_memory("MemFree:");
}

// --- A layer

/// An origin without data, and layers over it as a snapshot volume has them.
class Layers {
 public:
  Layers(dm::Control& control, const Path& directory, Bytes origin)
      : control_(control), directory_(directory), size_(origin) {
    const auto loop = loop::Loop::attach(create_unnamed(directory, origin), directory, {.autoclear = true});
    const auto table =
        dm::whole_device(to_sectors(origin), dm::Linear{layers::device_number(loop), Sectors{0}});
    base_ = std::make_unique<dm::Device>(
        dm::Device::bring_up(control, dm::DmName("bench-warm-base"), dm::DmUuid("BENCH-warm-base"), table));
  }

  void add(cow::ChunkSize chunk) {
    const auto number = layers_.size();
    const auto cow = loop::Loop::attach(create_unnamed(directory_, cow::transient_size(size_, chunk)),
                                        directory_, {.direct_io = true, .autoclear = true});
    const auto table =
        dm::whole_device(to_sectors(size_), dm::Snapshot{.origin = base_->number(),
                                                         .cow = layers::device_number(cow),
                                                         .store = dm::ExceptionStore::transient,
                                                         .chunk_size = chunk.sectors(),
                                                         .discard_zeroes_cow = true});
    layers_.push_back(dm::Device::bring_up(control_, dm::DmName(fmt::format("bench-warm-{}", number)),
                                           dm::DmUuid(fmt::format("BENCH-warm-{}", number)), table));
  }
  void remove() { layers_.pop_back(); }
  [[nodiscard]] Path node() const { return dm::node_of(layers_.back().number()); }
  [[nodiscard]] std::size_t count() const { return layers_.size(); }

 private:
  dm::Control& control_;
  Path directory_;
  Bytes size_;
  std::unique_ptr<dm::Device> base_;
  std::vector<dm::Device> layers_;
};

struct Buffer {
  void* bytes = std::aligned_alloc(4096, 4096);
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(bytes); }
};

/// 4 KiB each, in places that share no chunk of any size measured here; us each.
std::vector<double> write_scattered(const Path& node, Bytes size, int count) {
  const Fd fd = open_file(node, O_RDWR | O_DIRECT);
  const Buffer buffer;
  const std::uint64_t step = mebibytes(1).count;
  std::vector<std::uint64_t> places(size.count / step);
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = i * step;
  std::ranges::shuffle(places, std::mt19937_64(1));
  std::vector<double> times;
  for (int i = 0; i < count && static_cast<std::size_t>(i) < places.size(); ++i) {
    const auto begin = Clock::now();
    if (::pwrite(fd.get(), buffer.bytes, 4096, static_cast<off_t>(places[static_cast<std::size_t>(i)])) !=
        4096)
      throw Error::from_errno(errno, "pwrite");
    times.push_back(microseconds_since(begin));
  }
  return times;
}

void measure_layer(dm::Control& control, const Path& directory, Bytes origin, Bytes chunk_bytes, int count) {
  const cow::ChunkSize chunk(chunk_bytes);
  Layers layers(control, directory, origin);
  // What the first one needs for good (slabs, loop devices) is none of the layers'.
  for (int i = 0; i < count; ++i) layers.add(chunk);
  while (layers.count() > 0) layers.remove();
  const long before = free_memory();
  std::vector<double> made, removed;
  for (int i = 0; i < count; ++i) {
    const auto begin = Clock::now();
    layers.add(chunk);
    made.push_back(microseconds_since(begin));
  }
  const long with_layers = free_memory();
  const auto writes = write_scattered(layers.node(), origin, 500);
  const long written = free_memory();
  while (layers.count() > 0) {
    const auto begin = Clock::now();
    layers.remove();
    removed.push_back(microseconds_since(begin));
  }
  fmt::print("{:7} {:6} {:11} {:9.0f} {:9.0f} {:12.0f} {:9}\n", origin.count >> 20, chunk_bytes.count >> 10,
             (before - with_layers) / count, median(made), median(removed), median(writes),
             with_layers - written);
  std::fflush(stdout);
}

// --- A start

void measure_starts(const Path& directory, Bytes size, int rounds) {
  layers::Host host;
  pools::DriverContext context{host};
  const auto pool = pools::find_driver("file").make(
      {PoolName("bench"), {{"dir_path", directory.native()}}, std::nullopt}, context);
  pool->setup().get();
  pools::VolumeProperties p{.name = VolumeName("root"), .vid = Vid("vm-templates/t/root"), .size = size};
  p.save_on_stop = true;
  p.warm = 1;
  const auto root = pool->volume(p, nullptr);
  root->create({}).get();
  pools::VolumeProperties s{.name = VolumeName("root"), .vid = Vid("appvms/a/root")};
  s.snap_on_start = true;
  const auto app = pool->volume(s, [&] { return root.get(); });
  const auto held = [&] {
    auto other = s;
    other.vid = Vid("appvms/b/root");
    return pool->volume(other, [&] { return root.get(); });
  }();
  held->start().get();
  const auto warm = root->warm_layers();
  std::vector<double> cold_starts, warm_starts, refills;
  for (int i = 0; i < rounds; ++i) {
    for (const bool is_warm : {false, true}) {
      if (is_warm) {
        const auto begin = Clock::now();
        warm->refill(1);
        refills.push_back(microseconds_since(begin));
      }
      const auto begin = Clock::now();
      app->start().get();
      (is_warm ? warm_starts : cold_starts).push_back(microseconds_since(begin));
      app->stop({}).get();
      pool->finish();
    }
  }
  const auto counts = warm->counts();
  fmt::print(
      "{} MiB, another VM runs: start cold {:.0f} us, warm {:.0f} us, refill {:.0f} us (medians of {}; {} "
      "hits, {} misses)\n",
      size.count >> 20, median(cold_starts), median(warm_starts), median(refills), rounds, counts.hits,
      counts.misses);
  held->stop({}).get();
  warm->drop();
  root->remove().get();
  pool->finish();
}

void measure(const Path& directory, int rounds, int count) {
  dm::Control control;
  fmt::print("origin   chunk  memory of a      make    remove  first write  500 more\n");
  fmt::print("  (MiB)  (KiB)  layer (KiB)      (us)      (us)  of 4K (us)     (KiB)\n");
  for (const Bytes origin : {mebibytes(1024), mebibytes(10'240), mebibytes(102'400)})
    for (const std::uint64_t chunk : {4, 8, 16, 32, 64, 128, 256})
      measure_layer(control, directory, origin, kibibytes(chunk), count);
  for (const Bytes size : {mebibytes(1024), mebibytes(10'240)})
    measure_starts(directory / "pool", size, rounds);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  CLI::App app("What an upper layer costs, and what it saves when it stands ready");
  std::string directory = "/scratch";
  int rounds = 100, count = 16;
  app.add_option("--directory", directory, "where cows and images lie")->capture_default_str();
  app.add_option("--rounds", rounds, "how many starts of each kind")->capture_default_str();
  app.add_option("--layers", count, "how many stand at a time")->capture_default_str();
  return bench::run_program(app, argc, argv, [&] { bench::measure(directory, rounds, count); });
}
