// SPDX-License-Identifier: Apache-2.0
//
// Part "write": what it costs to write into a template's root, in place, while VMs run on it: time, and the
// bytes that are copied out of the way first. They are copied once, whoever runs.

#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "api/local.h"
#include "blocks.h"
#include "fleet.h"
#include "start_stop.h"

namespace bench {
namespace {

using namespace cowshed;

constexpr std::uint64_t mib = 1ULL << 20;
constexpr std::uint64_t image_bytes = 1ULL << 30;
/// The first MiB is not written: session.h knows a block behind it.
constexpr std::uint64_t first_at = 16 * mib;

/// By its name in /sys/block.
std::string loop_over(const std::string& file) {
  for (const auto& block : std::filesystem::directory_iterator("/sys/block")) {
    std::string backing;
    if (std::getline(std::ifstream(block.path() / "loop/backing_file"), backing) && backing == file)
      return block.path().filename();
  }
  throw std::runtime_error("no loop device over " + file);
}

/// Bytes written to a block device so far (Documentation/block/stat.rst). Not what the file under it takes:
/// space may have been reserved for it.
std::uint64_t written_to(const std::string& block) {
  constexpr int fields_before = 6;
  std::ifstream stat("/sys/block/" + block + "/stat");
  std::uint64_t sectors = 0;
  for (int field = 0; field <= fields_before; ++field) stat >> sectors;
  return sectors * 512;
}

class Write {
 public:
  explicit Write(const Options& options)
      : options_(options),
        sizes_(options.is_quick ? std::vector{0, 1, 10, 100} : std::vector{0, 1, 10, 100, 500}),
        place_(make_place(options, "write", image_bytes, sizes_.back())),
        fleet_("write", place_) {}

  std::vector<Row> run() {
    open();
    fleet_.create(*api_);
    api_->call(api::VolumeSet{Fleet::template_root, "write_policy", "in-place"});
    for (const int size : sizes_) measure(size);
    api_.reset();
    remove_place(place_);
    return std::move(rows_);
  }

 private:
  void open() {
    auto local = std::make_unique<api::Local>(
        app::AppOptions{.locations = fleet_.locations(), .lock = {app::Access::write, "bench"}});
    local->keep();
    api_ = std::move(local);
  }

  void measure(int size) {
    progress(fmt::format("{} VMs", size));
    const auto vms = Fleet::vms(0, size);
    const auto below = start_vms(*api_, vms);
    const std::string device = start_vms(*api_, {Fleet::template_name}).at(0);
    write(device, size);
    // What runs goes on seeing what it started with.
    if (!below.empty() && !all_zeros(below.back(), first_at, mib))
      throw std::runtime_error("a VM sees what its template has written");
    clear(device);
    stop_vms(*api_, {Fleet::template_name});
    stop_vms(*api_, vms);
  }

  void write(const std::string& device, int size) {
    const int count = options_.is_quick ? 32 : 256;
    const std::string cow = loop_over(api_->call(api::VolumeInfoRequest{Fleet::template_root}).path_cow);
    const std::uint64_t before = written_to(cow);
    const Blocks blocks(device, mib);
    std::vector<double> times;
    times.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
      times.push_back(
          microseconds([&] { blocks.write(first_at + static_cast<std::uint64_t>(i) * mib, 'w'); }));
    ::sync();
    const double copied = static_cast<double>(written_to(cow) - before) / count;
    rows_.push_back(
        {fmt::format("write-{} 1 MiB", size), "cowshed", count, std::move(times), false, "bytes", copied});
  }

  /// The next round finds what this one has found.
  void clear(const std::string& device) const {
    const Blocks blocks(device, mib);
    for (int i = 0; i < (options_.is_quick ? 32 : 256); ++i)
      blocks.write(first_at + static_cast<std::uint64_t>(i) * mib, '\0');
  }

  const Options& options_;
  std::vector<int> sizes_;
  Place place_;
  Fleet fleet_;
  std::unique_ptr<api::Api> api_;
  std::vector<Row> rows_;
};

}  // namespace

std::vector<Row> run_write(const Options& options) { return Write(options).run(); }

}  // namespace bench
