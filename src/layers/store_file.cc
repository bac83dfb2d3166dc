// SPDX-License-Identifier: Apache-2.0
#include "layers/store_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"

namespace cowshed::layers {

namespace {

cow::ReadAt reader_of(const Fd& fd) {
  return [&fd](Bytes offset, std::span<std::byte> into) {
    for (std::size_t done = 0; done < into.size();) {
      const ssize_t got =
          ::pread(fd.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset.count + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw Error::from_errno(errno, "read");
      if (got == 0) throw Error(ErrorKind::corrupt_image, "snapshot store ends in the middle of a chunk");
      done += static_cast<std::size_t>(got);
    }
  };
}

template <typename Look>
auto look_at(const Path& file, Look look) {
  return in_context([&] { return fmt::format("'{}'", file.native()); },
                    [&] {
                      const Fd fd = open_file(file, O_RDONLY);
                      return look(reader_of(fd), stat_fd(fd, file).size);
                    });
}

}  // namespace

bool is_clean_store(const Path& file) {
  return look_at(file, [](const cow::ReadAt& read, Bytes size) { return cow::is_clean(read, size); });
}

cow::StoreSummary check_store_file(const Path& file, Bytes origin) {
  return look_at(
      file, [origin](const cow::ReadAt& read, Bytes size) { return cow::check_store(read, size, origin); });
}

}  // namespace cowshed::layers
