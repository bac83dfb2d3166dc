// SPDX-License-Identifier: Apache-2.0
// FileVolume: layers that stand ready for its snapshots.
#include "io/priority.h"
#include "pools/file/file_volume.h"

namespace cowshed::pools::file {

namespace {

class FileWarm final : public WarmLayers {
 public:
  FileWarm(layers::Base base, Path directory, std::size_t wanted)
      : base_(std::move(base)), directory_(std::move(directory)), wanted_(wanted) {}

  std::size_t refill(std::size_t at_most) override {
    const io::PriorityScope after_all_others(io::Priority::background);
    return base_.refill_warm(directory_, wanted_, at_most);
  }
  void drop() override { base_.drop_warm(); }
  [[nodiscard]] WarmCounts counts() const override {
    const layers::WarmStock& stock = base_.warm();
    return {wanted_, stock.ready(), stock.hits(), stock.misses()};
  }

 private:
  layers::Base base_;
  Path directory_;
  std::size_t wanted_;
};

}  // namespace

std::unique_ptr<WarmLayers> FileVolume::warm_layers() {
  if (kind() != VolumeKind::origin) return nullptr;
  const auto wanted = static_cast<std::size_t>(properties().warm);
  // What was wanted before is to go.
  if (wanted == 0 && !(host().keeps_warm() && base().warm().has_anything())) return nullptr;
  return std::make_unique<FileWarm>(base(), directory(), wanted);
}

void FileVolume::after_remove() {
  if (kind() == VolumeKind::origin && host().has_device_mapper()) base().drop_warm();
}

}  // namespace cowshed::pools::file
