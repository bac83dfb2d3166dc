// SPDX-License-Identifier: Apache-2.0
#include "places.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace bench {

namespace {

/// A file without a name, there to be asked.
class Probe {
 public:
  explicit Probe(const Place& place, int flags = 0)
      : fd_(::open(place.directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | flags, 0600)) {}
  ~Probe() {
    if (fd_ >= 0) ::close(fd_);
  }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

Place place_of(const std::string& argument) {
  const auto split = argument.find('='), comma = argument.find(',', split);
  if (split == std::string::npos)
    throw std::invalid_argument(fmt::format("'{}' is no NAME=DIRECTORY", argument));
  return {argument.substr(0, split), argument.substr(split + 1, comma - split - 1),
          comma == std::string::npos ? 0 : std::stoull(argument.substr(comma + 1))};
}

}  // namespace

std::vector<Place> places_of(const std::vector<std::string>& arguments) {
  std::vector<Place> places;
  places.reserve(arguments.size());
  for (const std::string& argument : arguments) places.push_back(place_of(argument));
  return places;
}

bool is_in_memory(const Place& place) {
  struct statfs answer {};
  if (::statfs(place.directory.c_str(), &answer) < 0)
    throw std::system_error(errno, std::generic_category(), place.directory);
  return answer.f_type == TMPFS_MAGIC;
}

bool has_direct_io(const Place& place) { return Probe(place, O_DIRECT).is_open(); }

bool shares_extents(const Place& place) {
  const Probe from(place), to(place);
  return ::ioctl(to.fd(), FICLONE, from.fd()) == 0;
}

}  // namespace bench
