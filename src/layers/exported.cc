// SPDX-License-Identifier: Apache-2.0
#include "layers/exported.h"

#include <fcntl.h>

#include "base/error.h"
#include "dm/device.h"
#include "io/data_extents.h"
#include "layers/image_file.h"

namespace cowshed::layers {

namespace {

std::vector<io::Extent> data_of(const Path& image) {
  const Fd fd = open_file(image, O_RDONLY);
  return io::list_data(io::End(fd, image));
}

}  // namespace

ExportedState::ExportedState(Host& host, Base base) : host_(host), base_(std::move(base)) {
  if (!host_.has_device_mapper()) {
    hold_image();
    return;
  }
  base_.with_view([this](const View& view) {
    path_ = dm::node_of(view.device);
    held_ = open_file(path_, O_RDONLY);
    size_ = to_bytes(view.length);
    // While the image is the committed state, its holes are known; what is written to it later goes into
    // stretches that are none of it, or is copied out first.
    if (base_.image_is_committed_state())
      data_ = data_of(base_.files().image());
    else
      data_ = {{{}, {}, size_}};
  });
}

void ExportedState::hold_image() {
  if (base_.is_dirty())
    throw Error(ErrorKind::dirty,
                "holds what a session that was cut off has written; start and stop it first");
  path_ = base_.files().image();
  held_ = open_file(path_, O_RDONLY);
  size_ = image_size(path_);
  data_ = data_of(path_);
}

void ExportedState::end() {
  held_ = Fd();
  if (host_.has_device_mapper()) base_.collect();
}

}  // namespace cowshed::layers
