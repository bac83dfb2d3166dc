// SPDX-License-Identifier: Apache-2.0
#include "app/batch.h"

#include "base/log.h"

namespace cowshed::app {

Error to_error(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return error;
  } catch (const std::exception& other) {
    return {ErrorKind::kernel_refused, other.what()};
  }
}

bool abandon(const std::vector<pools::Volume*>& volumes) {
  VolumeBatch<void> batch;
  for (auto* volume : volumes) batch.begin(*volume, [](pools::Volume& started) { return started.abandon(); });
  const auto failure = batch.wait();
  if (failure) log_warning("while undoing: " + failure->message());
  return !failure;
}

}  // namespace cowshed::app
