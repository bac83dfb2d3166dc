// SPDX-License-Identifier: Apache-2.0
#include "io/copy_file.h"

#include <fmt/core.h>

#include "base/error.h"
#include "io/data_extents.h"
#include "io/sharing.h"
#include "io/system_calls.h"

namespace cowshed::io {

namespace {

/// The extents were on the disk before, but not that they belong to this file.
void sync_data(const End& target) {
  const Completion completion = carry_out({.op = Op::sync, .fd = target.fd()});
  if (completion.error != 0)
    throw Error::from_errno(completion.error, fmt::format("sync '{}'", target.name().native()));
}

CopyReport shared_report(const End& source, const CopyOptions& options) {
  CopyReport report;
  report.shared = source.size();
  if (options.progress) options.progress(report.shared);
  return report;
}

}  // namespace

CopyReport copy_file(const End& source, const End& target, const CopyOptions& options) {
  if (options.sharing == Sharing::where_possible && share_file(source, target)) {
    if (options.sync) sync_data(target);
    return shared_report(source, options);
  }
  return copy_extents(data_extents(source), source, target, options);
}

}  // namespace cowshed::io
