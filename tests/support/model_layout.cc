// SPDX-License-Identifier: Apache-2.0
#include "support/model_layout.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "layers/base_files.h"
#include "layers/store_file.h"

namespace cowshed::test::model {

void Free::operator()(char* memory) const { std::free(memory); }

Memory aligned(std::size_t size) {
  constexpr std::size_t alignment = 4096;
  return Memory(
      static_cast<char*>(std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)));
}

Content read_whole(const Path& path, bool direct, std::size_t most) {
  const Fd fd = open_file(path, O_RDONLY | (direct ? O_DIRECT : 0));
  const off_t size = ::lseek(fd.get(), 0, SEEK_END);
  if (size < 0) throw Error::from_errno(errno, fmt::format("size of '{}'", path.native()));
  const auto length = std::min(static_cast<std::size_t>(size), most);
  const Memory memory = aligned(length);
  for (std::size_t at = 0; at < length;) {
    const ssize_t got = ::pread(fd.get(), memory.get() + at, length - at, static_cast<off_t>(at));
    if (got <= 0) throw Error::from_errno(errno, fmt::format("read '{}' at {}", path.native(), at));
    at += static_cast<std::size_t>(got);
  }
  return {memory.get(), length};
}

namespace {

// --- file: an image, and stores of what differs from it

layers::BaseFiles files_of(pools::Volume& volume) {
  const std::string image = volume.paths().path.native();
  return layers::BaseFiles(image.substr(0, image.size() - std::strlen(".img")));
}

/// Merges the store, where there is one, into `content`, which has the size that it restores afterwards.
void merge(const Path& store, Content& content) {
  const auto fd = open_if_exists(store, O_RDONLY);
  if (!fd) return;
  const auto read = layers::read_from(*fd);
  cow::Reader reader(read, stat_fd(*fd, store).size, Bytes{content.size()});
  if (!reader.header()) return;
  const std::size_t restored = reader.header()->restores.value_or(Bytes{content.size()}).count;
  content.resize(std::max(content.size(), restored));
  while (const auto exception = reader.next()) {
    const std::size_t chunk = reader.header()->chunk_size.bytes().count, at = exception->old_chunk * chunk;
    if (at >= content.size()) continue;
    const auto target = std::span(content).subspan(at, std::min(chunk, content.size() - at));
    read(Bytes{exception->new_chunk * chunk}, std::as_writable_bytes(target));
  }
  content.resize(restored);
}

class FileLayout final : public Layout {
 public:
  [[nodiscard]] Content next_start(pools::Volume& volume) const override {
    const auto files = files_of(volume);
    Content content = read_whole(files.image(), false);
    merge(files.overlay(), content);
    return content;
  }

  [[nodiscard]] std::optional<State> state(pools::Volume& volume) const override {
    if (volume.is_running()) return std::nullopt;
    const auto files = files_of(volume);
    State state{.committed = read_whole(files.image(), false), .older = {}};
    merge(files.cow(), state.committed);
    if (!path_exists(files.revision())) return state;
    state.older = {state.committed};
    merge(files.revision(), state.older.front());
    return state;
  }

  [[nodiscard]] bool has_session(pools::Volume& volume) const override {
    const auto files = files_of(volume);
    return path_exists(files.cow()) || path_exists(files.overlay());
  }

  void find_kept(pools::Volume& volume, Found::Property& property) const override {
    const Path kept = volume.paths().path_cow;
    property.is_kept = path_exists(kept);
    if (!property.is_kept) return;
    property.is_unchanged = layers::is_clean_store(kept);
    const auto header = layers::read_header(kept);
    const layers::BaseFiles source = files_of(volume.source());
    const auto image = stat_if_exists(source.image());
    if (!header || !header->changes || !image || path_exists(source.cow())) return;
    if (*header->changes != cow::ImageState{image->id.inode, image->modified}) return;
    Content content = read_whole(source.image(), false);
    merge(kept, content);
    property.promotable = std::move(content);
  }

  [[nodiscard]] bool is_leftover(const std::string& /*file*/) const override { return false; }
};

// --- file-reflink: each state is a file

class ReflinkLayout final : public Layout {
 public:
  [[nodiscard]] Content next_start(pools::Volume& volume) const override {
    const auto paths = volume.paths();
    return read_whole(is_session(paths) || is_direct(paths) ? paths.path_cow : paths.path, false);
  }

  [[nodiscard]] std::optional<State> state(pools::Volume& volume) const override {
    const auto paths = volume.paths();
    const bool is_direct = ReflinkLayout::is_direct(paths);
    if (is_direct && volume.is_running()) return std::nullopt;
    State state{.committed = read_whole(is_direct ? paths.path_cow : paths.path, false), .older = {}};
    for (const auto& file : revisions_of(paths.path)) state.older.push_back(read_whole(file, false));
    return state;
  }

  [[nodiscard]] bool has_session(pools::Volume& volume) const override { return is_session(volume.paths()); }

  void find_kept(pools::Volume& volume, Found::Property& property) const override {
    const Path kept = volume.paths().path_cow, clean = volume.paths().path_source;
    property.is_kept = path_exists(kept);
    if (!property.is_kept) return;
    property.is_unchanged = !was_written(kept);
    const auto now = stat_if_exists(clean);
    if (!now || made_of(kept) != fmt::format("{} {}", now->id.inode, now->modified)) return;
    property.promotable = read_whole(kept, false);
  }

  [[nodiscard]] bool is_leftover(const std::string& file) const override {
    return std::ranges::any_of(std::array{"-import.img", "-precache.img", ".new"},
                               [&](const char* end) { return file.ends_with(end); });
  }

 private:
  static bool is_direct(const pools::VolumePaths& paths) { return !path_exists(paths.path); }
  static bool was_written(const Path& image) {
    const auto found = stat_if_exists(image);
    return found && found->modified != 0;
  }
  static bool is_session(const pools::VolumePaths& paths) {
    return path_exists(paths.path) && was_written(paths.path_cow);
  }
  static std::string made_of(const Path& image) {
    std::array<char, 64> text{};
    const ssize_t length = ::getxattr(image.c_str(), "user.cowshed.source", text.data(), text.size());
    return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
  }
  /// IMAGE.NUMBER@TIME, by number.
  static std::vector<Path> revisions_of(const Path& image) {
    const std::string prefix = image.filename().native() + ".";
    std::vector<std::pair<std::uint64_t, Path>> found;
    for (const auto& entry : std::filesystem::directory_iterator(image.parent_path())) {
      const std::string name = entry.path().filename();
      if (name.starts_with(prefix) && name.find('@') != std::string::npos)
        found.emplace_back(std::stoull(name.substr(prefix.size())), entry.path());
    }
    std::ranges::sort(found);
    std::vector<Path> files;
    files.reserve(found.size());
    for (auto& [number, file] : found) files.push_back(std::move(file));
    return files;
  }
};

// --- copies, the plug-in: an image and the session's

class CopiesLayout final : public Layout {
 public:
  [[nodiscard]] Content next_start(pools::Volume& volume) const override {
    const auto paths = volume.paths();
    return read_whole(path_exists(paths.path_cow) ? paths.path_cow : paths.path, false);
  }
  [[nodiscard]] std::optional<State> state(pools::Volume& volume) const override {
    return State{.committed = read_whole(volume.paths().path, false), .older = {}};
  }
  [[nodiscard]] bool has_session(pools::Volume& volume) const override {
    return path_exists(volume.paths().path_cow);
  }
  void find_kept(pools::Volume& /*volume*/, Found::Property& /*property*/) const override {}
  [[nodiscard]] bool is_leftover(const std::string& file) const override { return file.ends_with(".new"); }
  [[nodiscard]] std::vector<std::string> directories() const override { return {"vms"}; }
};

}  // namespace

std::unique_ptr<Layout> layout_of(const std::string& driver) {
  if (driver == "file") return std::make_unique<FileLayout>();
  if (driver == "file-reflink") return std::make_unique<ReflinkLayout>();
  if (driver == "copies") return std::make_unique<CopiesLayout>();
  throw Error(ErrorKind::invalid_argument,
              "the model does not know how the driver " + driver + " keeps volumes");
}

}  // namespace cowshed::test::model
