// SPDX-License-Identifier: Apache-2.0
#include "app/tree_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "base/error.h"
#include "base/printable.h"
#include "base/utf8.h"

namespace cowshed::app {

namespace {

using Role = pools::TreeFile::Role;

constexpr std::array<const char*, 3> subdirectories = {"vm-templates", "appvms", "servicevms"};
/// 256 TiB: larger than any volume that somebody means, and small enough for every sum.
constexpr Bytes largest_image = gibibytes(std::uint64_t{1} << 18);
/// A link to the picture of the VM's colour, which Qubes puts into each VM's directory.
constexpr std::string_view icon = "icon.png";

Error refusal(const Path& path, std::string_view why, ErrorKind kind = ErrorKind::invalid_argument) {
  return {kind, fmt::format("'{}' {}", printable(path.native()), why)};
}

Error failure(std::string_view call, const Path& path) {
  return Error::from_errno(errno, fmt::format("{} '{}'", call, printable(path.native())));
}

const char* type_name(mode_t mode) {
  if (S_ISLNK(mode)) return "a symbolic link";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device node";
  if (S_ISDIR(mode)) return "a directory";
  return "a file";
}

/// A directory that is being read, by descriptor.
class Directory {
 public:
  /// Of the installation's own choice: a link to it is followed.
  explicit Directory(Path path) : path_(std::move(path)), fd_(open_file(path_, O_RDONLY | O_DIRECTORY)) {}
  /// Nothing where it does not exist.
  static std::optional<Directory> open(const Directory& in, const std::string& name) {
    const Path path = in.path_ / name;
    Fd fd(::openat(in.fd_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd.is_open()) return Directory(path, std::move(fd));
    if (errno == ENOENT) return std::nullopt;
    if (errno == ENOTDIR || errno == ELOOP) throw refusal(path, "is no directory");
    throw failure("open", path);
  }

  [[nodiscard]] const Path& path() const { return path_; }
  [[nodiscard]] struct stat look_at(const std::string& name) const {
    struct stat st {};
    if (::fstatat(fd_.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) throw failure("stat", path_ / name);
    return st;
  }

  [[nodiscard]] std::vector<std::string> names() const {
    // Its own descriptor, which closedir() closes.
    const int fd = ::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const auto close = [](DIR* stream) { ::closedir(stream); };
    const std::unique_ptr<DIR, decltype(close)> stream(fd < 0 ? nullptr : ::fdopendir(fd), close);
    if (!stream) throw failure("read directory", path_);
    std::vector<std::string> result;
    while (const dirent* const entry = next(stream.get())) {
      const std::string name(static_cast<const char*>(entry->d_name));
      if (name != "." && name != "..") result.push_back(name);
    }
    std::ranges::sort(result);
    return result;
  }

 private:
  Directory(Path path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  const dirent* next(DIR* stream) const {
    errno = 0;
    const dirent* const entry = ::readdir(stream);
    if (entry == nullptr && errno != 0) throw failure("read directory", path_);
    return entry;
  }

  Path path_;
  Fd fd_;
};

void check_image(const Path& path, Bytes size) {
  if (size.count == 0) throw refusal(path, "is empty: no image");
  if (size > largest_image)
    throw refusal(path, fmt::format("is {} bytes long: too large for an image", size.count));
  if (size.count % Sectors::bytes_each != 0)
    throw refusal(path, fmt::format("is {} bytes long, which is no whole number of {}-byte sectors",
                                    size.count, Sectors::bytes_each));
}

/// What a driver will take for its own must be nobody else's, and what its name says.
void check_file(const Path& path, const pools::TreeFile& is, const struct stat& st, pools::TreeKind kind) {
  const Bytes size{static_cast<std::uint64_t>(st.st_size)};
  if (st.st_nlink > 1)
    throw refusal(
        path, fmt::format("has {} hard links: it would be written under its other names, too", st.st_nlink));
  if (is.kind && *is.kind != kind)
    throw refusal(path,
                  fmt::format("is a file of a '{}' tree, and the pool is of the driver '{}'",
                              to_string(*is.kind), to_string(kind)),
                  ErrorKind::not_supported);
  if (is.role == Role::unfinished)
    throw refusal(path,
                  "is of an import or a commit that is not over. Qubes never uses it again: move it away; "
                  "where it is cowshed's, finish it with 'cowshed recover' in the installation it comes from",
                  ErrorKind::not_supported);
  const bool is_whole = is.role == Role::image || is.kind == pools::TreeKind::reflink;
  if (is_whole && is.volume != "volatile") return check_image(path, size);
  // A store takes a little more than what it is for.
  if (size > Bytes{2 * largest_image.count}) throw refusal(path, fmt::format("is {} bytes long", size.count));
}

class VmScan {
 public:
  VmScan(const Directory& directory, pools::TreeKind kind, FoundVm& vm)
      : directory_(directory), kind_(kind), vm_(vm) {}

  void run() {
    for (const auto& name : directory_.names()) take(name);
  }

 private:
  void take(const std::string& name) {
    const Path path = directory_.path() / name;
    if (!is_plain_text(name)) throw refusal(path, "has control characters, or what is no UTF-8, in its name");
    const struct stat st = directory_.look_at(name);
    const bool is_icon = name == icon && S_ISLNK(st.st_mode);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) && !is_icon)
      throw refusal(path, fmt::format("is {}", type_name(st.st_mode)));
    const auto is = pools::parse_tree_file(name);
    if (is && S_ISDIR(st.st_mode)) throw refusal(path, "is a directory");
    if (!is || is_icon) return vm_.others.push_back(path);
    check_file(path, *is, st, kind_);
    static_cast<void>(VolumeName(is->volume));
    vm_.files.push_back({name, *is, {st.st_dev, st.st_ino}, {static_cast<std::uint64_t>(st.st_size)}});
  }

  const Directory& directory_;
  pools::TreeKind kind_;
  FoundVm& vm_;
};

VmName vm_name(const Path& path, const std::string& name) {
  try {
    return VmName(name);
  } catch (const Error& error) {
    throw refusal(path, fmt::format("is no directory of a VM: {}", error.message()));
  }
}

FoundVm scan_vm(const Directory& in, const std::string& name, const std::string& subdirectory,
                pools::TreeKind kind) {
  const auto directory = Directory::open(in, name);
  if (!directory) throw refusal(in.path() / name, "does not exist", ErrorKind::not_found);
  FoundVm vm{vm_name(directory->path(), name), subdirectory, directory->path(), {}, {}};
  VmScan(*directory, kind, vm).run();
  return vm;
}

/// Files beside the VMs' directories are nobody's business; all that could lead elsewhere is refused.
bool is_directory(const Directory& in, const std::string& name) {
  const struct stat st = in.look_at(name);
  if (S_ISDIR(st.st_mode)) return true;
  if (S_ISREG(st.st_mode)) return false;
  throw refusal(in.path() / name, fmt::format("is {}", type_name(st.st_mode)));
}

}  // namespace

const FoundFile* FoundVm::image(std::string_view volume) const {
  const auto found = std::ranges::find_if(
      files, [&](const FoundFile& file) { return file.is.role == Role::image && file.is.volume == volume; });
  return found == files.end() ? nullptr : &*found;
}

std::vector<FoundVm> scan_tree(const pools::Tree& tree, const TreePart& part) {
  std::vector<FoundVm> result;
  const Directory top(tree.top);
  for (const std::string subdirectory : subdirectories) {
    if (part.subdirectory && *part.subdirectory != subdirectory) continue;
    const auto directory = Directory::open(top, subdirectory);
    if (!directory) continue;
    if (part.vm)
      result.push_back(scan_vm(*directory, *part.vm, subdirectory, tree.kind));
    else
      for (const auto& name : directory->names())
        if (is_directory(*directory, name))
          result.push_back(scan_vm(*directory, name, subdirectory, tree.kind));
  }
  return result;
}

}  // namespace cowshed::app
