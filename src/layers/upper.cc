// SPDX-License-Identifier: Apache-2.0
#include "layers/upper.h"

#include "layers/image_loop.h"
#include "layers/store_file.h"

namespace cowshed::layers {

dm::Table upper_table(const View& view, const loop::Loop& cow, dm::ExceptionStore store) {
  return dm::whole_device(view.length, dm::Snapshot{.origin = view.device,
                                                    .cow = device_number(cow),
                                                    .store = store,
                                                    .chunk_size = upper_chunk.sectors(),
                                                    .discard_zeroes_cow = true});
}

loop::Loop attach_unnamed_cow(const View& view, const Path& directory) {
  const Fd file = create_unnamed(directory, cow::transient_size(to_bytes(view.length), upper_chunk));
  return loop::Loop::attach(file, directory, {.direct_io = true, .autoclear = true});
}

}  // namespace cowshed::layers
