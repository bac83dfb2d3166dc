// SPDX-License-Identifier: Apache-2.0
//
// What sharing spares: the same changes copied by the same engine.

#include <fcntl.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "base/file.h"
#include "io/copy_file.h"
#include "io/end.h"
#include "io/sharing.h"
#include "share_ways.h"

namespace bench {

namespace {

using namespace cowshed;

void copy_changes(const ShareScene& scene, const Fd& to, const std::string& name) {
  std::vector<io::Extent> extents;
  for (const SharedRun& run : scene.runs())
    extents.push_back({Bytes{run.from}, Bytes{run.to}, Bytes{run.length}});
  const Fd from = io::open_direct_if_possible(scene.store(), O_RDONLY);
  io::copy_extents(io::stream_of(std::move(extents)), io::End(from, scene.store()), io::End(to, name),
                   {.sharing = io::Sharing::never});
}

class InClone final : public ShareWay {
 public:
  explicit InClone(const ShareScene& scene) : ShareWay("copying", scene) {}

  void run() override {
    const Fd image = open_file(scene().image(), O_RDONLY);
    create_sparse(scene().new_image(), Bytes{0});
    const Fd to = io::open_direct_if_possible(scene().new_image(), O_RDWR);
    if (!io::share_file(io::End(image, scene().image()), io::End(to, scene().new_image())))
      throw std::runtime_error("the file system shares no extents");
    copy_changes(scene(), to, scene().new_image());
  }
};

class InPlace final : public ChangingWay {
 public:
  explicit InPlace(const ShareScene& scene) : ChangingWay("copying-in-place", scene) {}

  void run() override {
    const std::string image = scene().copied_image();
    copy_changes(scene(), io::open_direct_if_possible(image, O_RDWR), image);
  }
};

}  // namespace

std::unique_ptr<Way> make_copying(const ShareScene& scene) { return std::make_unique<InClone>(scene); }
std::unique_ptr<Way> make_copying_in_place(const ShareScene& scene) {
  return std::make_unique<InPlace>(scene);
}

}  // namespace bench
