// SPDX-License-Identifier: Apache-2.0
//
// The programs that people copy images with, each as one calls it who wants it to be fast and the copy
// sparse.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "copy_ways.h"
#include "programs.h"

namespace bench {

namespace {

class Program final : public CopyWay {
 public:
  Program(std::string name, const Copy& copy, std::vector<std::string> command)
      : CopyWay(std::move(name), copy), command_(std::move(command)) {}

  /// Those that have synced already do it again for nothing; and none has to start a second program for it.
  void run() override {
    bench::run(command_);
    const int fd = ::open(copy().target.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || ::fsync(fd) < 0) throw std::system_error(errno, std::generic_category(), copy().target);
    ::close(fd);
  }

 private:
  std::vector<std::string> command_;
};

}  // namespace

std::unique_ptr<Way> make_cp(const Copy& copy) {
  return std::make_unique<Program>(
      "cp", copy, std::vector<std::string>{"cp", "--sparse=always", "--", copy.source, copy.target});
}

std::unique_ptr<Way> make_cp_reflink(const Copy& copy) {
  return std::make_unique<Program>(
      "cp-reflink", copy, std::vector<std::string>{"cp", "--reflink=always", "--", copy.source, copy.target});
}

std::unique_ptr<Way> make_dd(const Copy& copy) {
  std::vector<std::string> command{"dd",    "if=" + copy.source, "of=" + copy.target,
                                   "bs=1M", "conv=sparse,fsync", "status=none"};
  if (copy.has_direct_io) command.insert(command.end(), {"iflag=direct", "oflag=direct"});
  return std::make_unique<Program>("dd", copy, std::move(command));
}

std::unique_ptr<Way> make_qemu_img(const Copy& copy) {
  const std::string cache = copy.has_direct_io ? "none" : "writeback";
  return std::make_unique<Program>(
      "qemu-img", copy,
      std::vector<std::string>{"qemu-img", "convert", "-f", "raw", "-O", "raw", "-t", cache, "-T", cache,
                               "-m", "16", "-W", copy.source, copy.target});
}

}  // namespace bench
