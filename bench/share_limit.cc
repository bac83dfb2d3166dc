// SPDX-License-Identifier: Apache-2.0
//
// The limit of merging by sharing: a clone of the image, one ioctl for each run of changes, one sync. No
// cowshed code.

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "share_ways.h"

namespace bench {

namespace {

int must(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

class Limit final : public ShareWay {
 public:
  explicit Limit(const ShareScene& scene) : ShareWay("limit", scene) {}

  void run() override {
    const int image = must(::open(scene().image().c_str(), O_RDONLY | O_CLOEXEC), "open the image");
    const int store = must(::open(scene().store().c_str(), O_RDONLY | O_CLOEXEC), "open the store");
    const int to =
        must(::open(scene().new_image().c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "create");
    must(::ioctl(to, FICLONE, image), "FICLONE");
    for (const SharedRun& run : scene().runs()) {
      file_clone_range range{store, run.from, run.length, run.to};
      must(::ioctl(to, FICLONERANGE, &range), "FICLONERANGE");
    }
    must(::fsync(to), "fsync");
    for (const int fd : {image, store, to}) ::close(fd);
  }
};

}  // namespace

std::unique_ptr<Way> make_share_limit(const ShareScene& scene) { return std::make_unique<Limit>(scene); }

}  // namespace bench
