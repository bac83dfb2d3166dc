// SPDX-License-Identifier: Apache-2.0
//
// What else can merge: the kernel's snapshot-merge target over the same store, and qemu-img commit of a qcow2
// in which the same clusters were written.

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "base/file.h"
#include "dm/control.h"
#include "dm/device.h"
#include "dm/targets.h"
#include "loop/loop.h"
#include "merger.h"

namespace bench {
namespace {

using namespace cowshed;

void shell(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);  // NOLINT
}

void copy(const std::string& from, const std::string& to) {
  shell(fmt::format("cp --sparse=always -- '{}' '{}' && sync '{}'", from, to, to));
}

/// As a script would do it: two loop devices, one dm device, and looking whether it is done.
class Kernel final : public Merger {
 public:
  explicit Kernel(const Merge& merge) : Merger("kernel", merge), cow_(merge.directory + "/kernel-cow.img") {}

  void prepare() override { copy(merge().store, cow_); }

  void run() override {
    const auto image = loop::Loop::attach(open_file(merge().image, O_RDWR), merge().image, {});
    const auto cow = loop::Loop::attach(open_file(cow_, O_RDWR), cow_, {.direct_io = true});
    const dm::SnapshotMerge target{.origin = {image.major(), image.minor()},
                                   .cow = {cow.major(), cow.minor()},
                                   .store = dm::ExceptionStore::persistent,
                                   .chunk_size = Sectors{merge().change.chunk / Sectors::bytes_each}};
    const Sectors length{image_size(merge().change) / Sectors::bytes_each};
    {
      const auto device = dm::Device::bring_up(control_, dm::DmName("bench-merge"), dm::DmUuid("BENCH-merge"),
                                               dm::whole_device(length, target));
      while (!is_done()) ::usleep(500);
    }
    sync_path(merge().image);
  }

  void clean_up() override { unlink_if_exists(cow_); }

 private:
  bool is_done() {
    const auto status = dm::SnapshotStatus::parse(control_.status(dm::DmUuid("BENCH-merge")).at(0).params);
    return status.allocated <= status.metadata;
  }

  std::string cow_;
  dm::Control control_;
};

class Qemu final : public Merger {
 public:
  explicit Qemu(const Merge& merge)
      : Merger("qemu-img", merge),
        master_(merge.directory + "/changed.qcow2"),
        overlay_(merge.directory + "/commit.qcow2"),
        has_direct_io_(has_direct_io(merge.image)) {
    const auto size = image_size(merge.change);
    shell(fmt::format("qemu-img create -q -f qcow2 -F raw -b '{}' -o cluster_size={} '{}' {}", merge.image,
                      merge.change.chunk, master_, size));
    const std::string script = merge.directory + "/qemu-io.txt";
    std::ofstream commands(script);
    // It takes as long whatever the bytes are, as long as they are no zeros.
    for (const std::uint64_t chunk : changed_chunks(merge.change))
      commands << fmt::format("write -q -P 0x5a {} {}\n", chunk * merge.change.chunk, merge.change.chunk);
    commands << "flush\nquit\n";
    commands.close();
    shell(fmt::format("qemu-io -f qcow2 '{}' < '{}' > /dev/null && sync", master_, script));
    unlink_if_exists(script);
  }
  ~Qemu() override { unlink_if_exists(master_); }

  void prepare() override { copy(master_, overlay_); }
  /// qemu-img flushes at the end.
  void run() override {
    shell(fmt::format("qemu-img commit -q -t {} -d '{}'", has_direct_io_ ? "none" : "writeback", overlay_));
  }
  void clean_up() override { unlink_if_exists(overlay_); }

 private:
  [[nodiscard]] static bool has_direct_io(const std::string& file) {
    return Fd(::open(file.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC)).is_open();
  }

  std::string master_, overlay_;
  bool has_direct_io_;
};

}  // namespace

std::unique_ptr<Merger> make_kernel_merger(const Merge& merge) { return std::make_unique<Kernel>(merge); }
std::unique_ptr<Merger> make_qemu_merger(const Merge& merge) { return std::make_unique<Qemu>(merge); }

}  // namespace bench
