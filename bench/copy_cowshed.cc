// SPDX-License-Identifier: Apache-2.0
//
// cowshed: what the import of a file into a volume does, from the file that somebody names to the synced new
// image (layers::Base::import_image). What makes it the volume's, a few renames, is the same for all sizes.

#include "base/file.h"
#include "copy_ways.h"
#include "pools/images/fill.h"

namespace bench {

namespace {

class Cowshed final : public CopyWay {
 public:
  explicit Cowshed(const Copy& copy) : CopyWay("cowshed", copy) {}

  void run() override {
    cowshed::pools::images::fill_from(cowshed::Path(copy().source), copy().target, nullptr);
    cowshed::sync_path(copy().target);
  }
};

}  // namespace

std::unique_ptr<Way> make_cowshed(const Copy& copy) { return std::make_unique<Cowshed>(copy); }

}  // namespace bench
