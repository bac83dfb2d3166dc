// SPDX-License-Identifier: Apache-2.0
#include "io/backend.h"

#include "base/error.h"
#include "base/log.h"

namespace cowshed::io {

std::unique_ptr<Backend> open_backend(const BackendSetup& setup) {
  try {
    return open_uring(setup);
  } catch (const Error& error) {
    log_debug(std::string("copying without io_uring: ") + error.what());
    return open_plain(setup);
  }
}

}  // namespace cowshed::io
