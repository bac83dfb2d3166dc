// SPDX-License-Identifier: Apache-2.0
#include "io/sharing.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/file.h"
#include "io/system_calls.h"

namespace cowshed::io {

namespace {

/// So that there is progress, and a stop is heard.
constexpr Bytes longest_share = gibibytes(1);

bool is_not_supported(int error_number) {
  // ioctl_ficlonerange(2), copy_file_range(2): the file system cannot, the two are on different ones, or one
  // of them is a swap file.
  constexpr int errors[] = {EOPNOTSUPP, ENOTTY, ENOSYS, EXDEV, EBADF, ETXTBSY, EPERM};
  return std::find(std::begin(errors), std::end(errors), error_number) != std::end(errors);
}

std::optional<Op> first_way(const End& source, const End& target, const CopyOptions& options) {
  const bool possible =
      options.sharing == Sharing::where_possible && source.is_regular() && target.is_regular();
  return possible ? std::optional(Op::clone) : std::nullopt;
}

}  // namespace

Sharer::Sharer(const End& source, const End& target, const CopyOptions& options)
    : is_remote_(source.is_remote() && target.is_remote()),
      unit_(std::max(source.block_size(), target.block_size())),
      shortest_(std::max(options.shortest_share, unit_)),
      op_(first_way(source, target, options)) {}

Bytes Sharer::sharable(const Extent& extent) const {
  if (!op_ || extent.length < shortest_) return {};
  if (extent.source.count % unit_.count != 0 || extent.target.count % unit_.count != 0) return {};
  return std::min(Bytes{extent.length.count - extent.length.count % unit_.count}, longest_share);
}

bool Sharer::may_copy_after(Op op, int error_number) {
  // Of this extent alone: it is beyond the end of the file, or aligned for another block size.
  if (error_number == EINVAL) return true;
  if (!is_not_supported(error_number)) return false;
  // Where nobody is at the other end of a wire, copy_file_range(2) copies through the page cache, slower than
  // the engine does.
  if (op_ == op) op_ = op == Op::clone && is_remote_ ? std::optional(Op::copy_range) : std::nullopt;
  return true;
}

bool share_file(const End& source, const End& target) {
  if (!source.is_regular() || !target.is_regular()) return false;
  // A length of 0: up to the end, which need not be aligned then.
  const Completion completion = carry_out({.op = Op::clone, .fd = target.fd(), .source_fd = source.fd()});
  if (completion.error == 0) return true;
  if (completion.error == EINVAL || is_not_supported(completion.error)) return false;
  throw Error::from_errno(completion.error, fmt::format("share the extents of '{}' with '{}'",
                                                        source.name().native(), target.name().native()));
}

bool can_share_in(const Path& directory) {
  const Fd source = create_unnamed(directory, Bytes{0});
  const Fd target = create_unnamed(directory, Bytes{0});
  // Without data some would only pretend.
  write_all(source, "shared", directory);
  return share_file(End(source, directory), End(target, directory));
}

}  // namespace cowshed::io
