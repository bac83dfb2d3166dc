// SPDX-License-Identifier: Apache-2.0
//
// Part "write": what it costs to write into a template's root, in place, while VMs run on it: time, and the
// bytes that are copied out of the way first. They are copied once, whoever runs.

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>
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

std::uint64_t allocated(const std::string& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) < 0) throw std::system_error(errno, std::generic_category(), file);
  return static_cast<std::uint64_t>(status.st_blocks) * 512;
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
    const std::string cow = api_->call(api::VolumeInfoRequest{Fleet::template_root}).path_cow;
    const std::uint64_t before = allocated(cow);
    const Blocks blocks(device, mib);
    std::vector<double> times;
    for (int i = 0; i < count; ++i)
      times.push_back(
          microseconds([&] { blocks.write(first_at + static_cast<std::uint64_t>(i) * mib, 'w'); }));
    ::sync();
    const double copied = static_cast<double>(allocated(cow) - before) / count;
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
