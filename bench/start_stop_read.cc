// SPDX-License-Identifier: Apache-2.0
//
// Part "read": many VMs read the same part of their roots, one after another. What VMs of one template read
// is in memory once; of copies, each time.

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/local.h"
#include "blocks.h"
#include "fleet.h"
#include "loop/loop.h"
#include "memory.h"
#include "start_stop.h"

namespace bench {
namespace {

using namespace cowshed;

constexpr std::uint64_t mib = 1ULL << 20;
constexpr std::uint64_t image_bytes = 1ULL << 30;

long page_cache() { return kib_of_memory("Cached:"); }

void fill(const std::string& path, int data_mib) {
  const Blocks blocks(path, mib);
  for (int i = 0; i < data_mib; ++i) blocks.write(static_cast<std::uint64_t>(i) * mib, 'd');
  ::sync();
}

class Read {
 public:
  explicit Read(const Options& options)
      : options_(options), vms_(options.is_quick ? 5 : 20), data_mib_(options.is_quick ? 50 : 200) {}

  std::vector<Row> run() {
    if (is_wanted(options_, "cowshed")) run_cowshed();
    if (is_wanted(options_, "copies")) run_copies();
    return std::move(rows_);
  }

 private:
  void run_cowshed() {
    const Place place = make_place(options_, "read-cowshed", image_bytes, vms_);
    fill(place.image, data_mib_);
    const Fleet fleet("read", place);
    {
      api::Local api({.locations = fleet.locations(), .lock = {app::Access::write, "bench"}});
      api.keep();
      fleet.create(api);
      const auto vms = Fleet::vms(0, vms_);
      measure("cowshed", start_vms(api, vms));
      stop_vms(api, vms);
    }
    remove_place(place);
  }

  /// Each VM has an image of its own, over a loop device as cowshed's.
  void run_copies() {
    const Place place = make_place(options_, "read-copies", image_bytes, vms_);
    std::vector<loop::Loop> loops;
    std::vector<std::string> devices;
    for (int i = 0; i < vms_; ++i) {
      const std::string image = fmt::format("{}/copy-{}.img", place.directory, i);
      std::ofstream(image).close();
      if (::truncate(image.c_str(), image_bytes) < 0) throw Error::from_errno(errno, image);
      fill(image, data_mib_);
      loops.push_back(loop::Loop::attach(open_file(image, O_RDWR), image, {.autoclear = true}));
      devices.push_back(loops.back().path());
    }
    measure("copies", devices);
    loops.clear();
    remove_place(place);
  }

  void measure(const std::string& tool, const std::vector<std::string>& devices) {
    progress(tool);
    forget_files();
    const long before = page_cache();
    std::vector<double> first, others;
    for (const std::string& device : devices) {
      const Blocks blocks(device, mib);
      (first.empty() ? first : others).push_back(microseconds([&] {
        blocks.read_first(static_cast<std::uint64_t>(data_mib_));
      }));
    }
    const double grown = static_cast<double>(page_cache() - before) * 1024;
    const std::string what = fmt::format("read-{}x{}MiB", vms_, data_mib_);
    rows_.push_back({what + " first", tool, 1, std::move(first)});
    const int n = static_cast<int>(others.size());
    // What all of them together have brought into memory.
    rows_.push_back({what + " others", tool, n, std::move(others), false, "bytes", grown});
  }

  const Options& options_;
  int vms_, data_mib_;
  std::vector<Row> rows_;
};

}  // namespace

std::vector<Row> run_read(const Options& options) { return Read(options).run(); }

}  // namespace bench
