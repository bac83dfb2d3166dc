// SPDX-License-Identifier: Apache-2.0
//
// A complete driver, to begin one's own from: `copies` keeps each volume as one file, and copies it whole
// where others take a snapshot. docs/drivers.md goes through it.
//
//   DIR/vms/NAME/VOLUME            the committed state
//   DIR/vms/NAME/VOLUME.session    what the guest writes; after a power loss: what it had written
//   DIR/vms/NAME/VOLUME.base       of a snapshot that runs: the file it was copied from, by a second link
//
// Copying takes its time, so operations are asynchronous: each begins at once and is waited for later.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <future>

#include "base/file.h"
#include "pools/guest_device.h"
#include "pools/plugin.h"

namespace {

using namespace cowshed;
using namespace cowshed::pools;

template <typename Body>
auto in_background(Body body) -> Operation<decltype(body())> {
  return Operation<decltype(body())>::pending(std::async(std::launch::async, std::move(body)));
}

constexpr Bytes copied_at_once = mebibytes(1);

Bytes whole_sectors(Bytes size) {
  return to_bytes(Sectors{(size.count + Sectors::bytes_each - 1) / Sectors::bytes_each});
}

/// The stretch [at, at + length) of `from` becomes that of `to`.
void copy_stretch(const Fd& from, const Path& source, const Fd& to, const Path& target, Bytes at,
                  Bytes length) {
  std::vector<char> buffer(copied_at_once.count);
  while (length.count > 0) {
    const std::size_t size = std::min(length.count, copied_at_once.count);
    const ssize_t got = ::pread(from.get(), buffer.data(), size, static_cast<off_t>(at.count));
    if (got < 0) throw Error::from_errno(errno, "read '" + source.native() + "'");
    if (got == 0) return;
    const auto count = static_cast<std::size_t>(got);
    if (::pwrite(to.get(), buffer.data(), count, static_cast<off_t>(at.count)) != got)
      throw Error::from_errno(errno, "write '" + target.native() + "'");
    at = at + Bytes{count};
    length = length - Bytes{count};
  }
}

/// The file stays readable, whatever is renamed over its name, as long as somebody has it open.
class OpenFile final : public Export {
 public:
  explicit OpenFile(const Path& file)
      : fd_(open_file(file, O_RDONLY)),
        path_("/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_.get())),
        size_(stat_fd(fd_, file).size),
        data_({{.source = {}, .target = {}, .length = size_}}) {}
  [[nodiscard]] const Path& path() const override { return path_; }
  [[nodiscard]] Bytes size() const override { return size_; }
  [[nodiscard]] const std::vector<io::Extent>& data() const override { return data_; }
  void end() override { fd_.reset(); }

 private:
  Fd fd_;
  Path path_;
  Bytes size_;
  std::vector<io::Extent> data_;
};

/// A new file with what is exported, whole or not there at all; zeros follow where it is to be larger.
void copy_to(const Path& path, const Export& content, const ProgressWatch& progress, Bytes least = {}) {
  if (content.size().count == 0) throw Error(ErrorKind::invalid_argument, "the content is empty");
  const Fd from = open_file(content.path(), O_RDONLY);
  create_complete(path, std::max(whole_sectors(content.size()), least), [&](const Fd& to) {
    Bytes done;
    for (const io::Extent& extent : content.data()) {
      copy_stretch(from, content.path(), to, path, extent.source, extent.length);
      done = done + extent.length;
      if (progress) progress({.done = done, .total = content.size(), .can_stop = true});
    }
  });
}

/// What another volume exports, until this goes.
class Held {
 public:
  explicit Held(Volume& volume) : content_(volume.begin_export().get()) {}
  ~Held() {
    try {
      content_->end();
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): its next operation takes the rest away
    }
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  const Export& operator*() const { return *content_; }

 private:
  std::unique_ptr<Export> content_;
};

class CopiesVolume final : public Volume {
 public:
  CopiesVolume(Pool& pool, VolumeProperties properties, SourceResolver source, const Path& directory,
               DriverContext& context)
      : Volume(pool, std::move(properties), std::move(source)),
        image_(directory / this->properties().vid.str()),
        session_(image_.native() + ".session"),
        base_(image_.native() + ".base"),
        device_(context, directory, *this) {}

  Operation<void> create(CreateOptions options) override {
    return in_background([this, options] {
      if (kind() != VolumeKind::origin) return;
      make_directories(image_.parent_path());
      try {
        create_image(options);
      } catch (...) {
        remove_directory();
        throw;
      }
    });
  }

  Operation<void> remove() override {
    return in_background([this] {
      check_remove();
      for (const Path& file : {session_, half_made(session_), base_, half_made(image_), image_})
        unlink_if_exists(file);
      remove_directory();
    });
  }
  void check_remove() override {
    if (is_running()) throw Error(ErrorKind::running, "is running; stop it first");
  }

  Operation<std::optional<BlockDevice>> start() override {
    return in_background([this]() -> std::optional<BlockDevice> {
      check_start();
      if (!holds_uncommitted()) begin_session();
      return device_.attach(session_, properties().rw);
    });
  }
  void check_start() override {
    if (is_running()) throw Error(ErrorKind::running, "is running already");
    if (!holds_uncommitted()) verify();
  }

  Operation<void> stop(StopOptions options) override {
    return in_background([this, options] {
      const bool ran = is_running();
      device_.detach();
      if (kind() != VolumeKind::origin) return forget_session();
      // What a power loss left is not this stop's to commit.
      if (options.discard)
        unlink_durably(session_);
      else if (ran)
        commit();
    });
  }
  void check_stop(const StopOptions&) override { device_.check_detach(); }

  Operation<void> abandon() override {
    return in_background([this] {
      device_.detach();
      if (kind() != VolumeKind::origin) forget_session();
    });
  }

  bool is_running() override { return device_.find().has_value(); }
  std::optional<BlockDevice> block_device() override {
    if (auto device = device_.find()) return device;
    return BlockDevice{.name = properties().name.str(), .path = {}, .node = {}, .rw = properties().rw};
  }
  void verify() override {
    if (kind() == VolumeKind::volatile_) return;
    if (kind() == VolumeKind::snapshot) return source().verify();
    const auto found = stat_if_exists(image_);
    if (!found) throw Error(ErrorKind::not_found, "'" + image_.native() + "' is missing");
    if (found->size.count == 0 || found->size.count % Sectors::bytes_each != 0)
      throw Error(ErrorKind::corrupt_image, "'" + image_.native() + "' is cut off");
  }
  /// From the start on: nobody looks whether something was written.
  bool is_dirty() override { return holds_uncommitted(); }
  bool is_outdated() override {
    if (kind() != VolumeKind::snapshot || !is_running()) return false;
    const auto then = stat_if_exists(base_), now = stat_if_exists(of_source().image_);
    return then && now && then->id != now->id;
  }
  Bytes size() override {
    if (kind() == VolumeKind::volatile_) return properties().size;
    if (kind() == VolumeKind::snapshot && !is_running()) return source().size();
    const auto found = stat_if_exists(kind() == VolumeKind::snapshot ? session_ : image_);
    return found ? found->size : properties().size;
  }
  Bytes usage() override {
    Bytes total;
    for (const Path& file : own_files())
      if (const auto found = stat_if_exists(file)) total = total + found->allocated;
    return total;
  }
  std::vector<Revision> revisions() override { return {}; }
  std::vector<Layer> layers() override {
    const auto device = device_.find();
    if (!device) return {};
    return {{.role = "session", .device = {}, .node = device->node, .file = session_}};
  }
  VolumePaths paths() override {
    return {.path = image_, .path_cow = session_, .path_source = {}, .path_source_cow = {}};
  }

  Operation<void> import_file(const GivenImage& image, ProgressWatch progress) override {
    refuse_foreign(image);
    return in_background([this, image, progress] { import(open_given(image.file), progress); });
  }
  Operation<void> import_volume(Volume& from, ProgressWatch progress) override {
    return in_background([this, &from, progress] { import(*Held(from), progress); });
  }
  Operation<std::unique_ptr<Export>> begin_export() override {
    if (kind() != VolumeKind::origin) not_supported("export", "it holds no state of its own");
    return Operation<std::unique_ptr<Export>>::run_now(
        [this]() -> std::unique_ptr<Export> { return std::make_unique<OpenFile>(image_); });
  }

  /// What was cut off has left.
  void recover(RecoveryReport& report, bool dry_run) {
    if (is_running()) return;
    std::vector<Path> leftover{half_made(image_), half_made(session_), base_};
    if (kind() != VolumeKind::origin) leftover.push_back(session_);
    for (const Path& file : leftover) {
      if (!path_exists(file)) continue;
      report.add("remove '" + file.native() + "', which nobody needs any more");
      if (!dry_run) unlink_if_exists(file);
    }
  }

 private:
  void create_image(const CreateOptions& options) {
    if (options.from != nullptr) return fill(*Held(*options.from), options.progress);
    if (options.image) refuse_foreign(*options.image);
    if (options.image) return fill(open_given(options.image->file), options.progress);
    create_sparse_durably(image_, properties().size);
  }
  /// Of its VM, which has perhaps other volumes in it.
  void remove_directory() const {
    remove_empty_directories(image_.parent_path(), image_.parent_path().parent_path());
  }
  /// Taken as it is, it would be another disk than its maker means.
  void refuse_foreign(const GivenImage& image) const {
    if (format_of(image) != ImageFormat::raw) not_supported("import into", "it takes raw images only");
  }
  CopiesVolume& of_source() { return dynamic_cast<CopiesVolume&>(source()); }
  /// What is this volume's alone.
  [[nodiscard]] std::array<Path, 2> own_files() const { return {image_, session_}; }

  [[nodiscard]] bool holds_uncommitted() const {
    return kind() == VolumeKind::origin && path_exists(session_);
  }

  void begin_session() {
    forget_session();
    make_directories(session_.parent_path());
    if (kind() == VolumeKind::volatile_) {
      create_sparse(session_, properties().size);
      return;
    }
    // The second link keeps what is copied, whatever the source commits meanwhile.
    link_durably(kind() == VolumeKind::snapshot ? of_source().image_ : image_, base_);
    const OpenFile state(base_);
    copy_to(session_, state, nullptr);
    if (kind() == VolumeKind::origin) unlink_if_exists(base_);
  }

  void forget_session() {
    unlink_if_exists(session_);
    unlink_if_exists(base_);
  }

  /// The rename is the commit; before it the old state is whole, afterwards the new one.
  void commit() {
    sync_path(session_);
    rename_durably(session_, image_);
  }

  OpenFile open_given(const Path& file) const {
    const auto found = file == "-" ? std::nullopt : stat_if_exists(file);
    if (file == "-" || (found && !S_ISREG(found->mode))) not_supported("fill", "it copies files only");
    return OpenFile(file);
  }

  /// It may be larger than what it is made from.
  void fill(const Export& content, const ProgressWatch& progress) {
    copy_to(image_, content, progress, properties().size);
  }

  void import(const Export& content, const ProgressWatch& progress) {
    if (kind() != VolumeKind::origin) not_supported("import into", "it holds no state of its own");
    if (is_running()) throw Error(ErrorKind::running, "is running; stop it first");
    if (holds_uncommitted())
      throw Error(ErrorKind::dirty, "holds what was not committed; start and stop it first");
    unlink_if_exists(half_made(image_));
    copy_to(half_made(image_), content, progress);
    rename_durably(half_made(image_), image_);
  }

  const Path image_, session_, base_;
  mutable GuestDevice device_;
};

class CopiesPool final : public Pool {
 public:
  CopiesPool(PoolSpec spec, DriverContext& context)
      : Pool(std::move(spec.name), "copies", std::move(spec.parameters), 0),
        directory_(parameters().at("dir_path")),
        context_(context) {
    set_revisions_to_keep(spec.revisions_to_keep.value_or(0));
  }

  void set_revisions_to_keep(int value) override {
    if (value != 0)
      throw Error(ErrorKind::not_supported,
                  "driver 'copies' keeps no revisions, not " + std::to_string(value));
  }

  Operation<void> setup() override {
    return Operation<void>::run_now([this] { make_directories(directory_); });
  }
  Operation<void> destroy() override {
    return Operation<void>::run_now([this] {
      remove_empty_directories(directory_ / "vms", directory_);
      remove_empty_directories(directory_, directory_.parent_path());
    });
  }

  [[nodiscard]] Vid make_vid(const VolumeOwner& owner, const VolumeName& volume) const override {
    return Vid("vms/" + owner.vm.str() + "/" + volume.str());
  }

  void check(const VolumeProperties& p) const override {
    const auto refuse_if = [&](bool wanted, const std::string& why) {
      if (wanted)
        throw Error(ErrorKind::not_supported, "driver 'copies': volume '" + p.name.str() + "': " + why);
    };
    refuse_if(p.kind() == VolumeKind::origin_snapshot, "snap_on_start and save_on_stop exclude each other");
    for (const char* ending : {".session", ".base", ".new"})
      if (p.vid.str().ends_with(ending))
        throw Error(ErrorKind::invalid_argument, "driver 'copies': volume '" + p.name.str() + "': '" +
                                                     ending + "' is the ending of another volume's files");
    refuse_if(p.revisions_to_keep.value_or(0) != 0, "revisions_to_keep must be 0");
    refuse_if(p.write_policy == WritePolicy::in_place, "a session is always a copy (write_policy overlay)");
    refuse_if(p.keep_changes, "keep_changes is not possible");
    refuse_if(p.ephemeral.value_or(false), "ephemeral is not possible");
    refuse_if(p.cow_limit || p.warm != 0, "there are no copy-on-write layers to limit or to keep ready");
    if (!p.snap_on_start && p.size.count == 0)
      throw Error(ErrorKind::invalid_argument,
                  "driver 'copies': volume '" + p.name.str() + "': its size must be larger than 0");
  }

  std::unique_ptr<Volume> volume(VolumeProperties properties, Volume::SourceResolver source) override {
    return std::make_unique<CopiesVolume>(*this, std::move(properties), std::move(source), directory_,
                                          context_);
  }

  RecoveryReport recover(std::span<Volume* const> volumes, bool dry_run) override {
    RecoveryReport report = recover_guest_devices(context_, directory_, volumes, dry_run);
    for (Volume* volume : volumes) {
      try {
        dynamic_cast<CopiesVolume&>(*volume).recover(report, dry_run);
      } catch (const Error& error) {
        report.fail("volume '" + volume->properties().vid.str() + "'", error);
      }
    }
    return report;
  }

 private:
  const Path directory_;
  DriverContext& context_;
};

Driver copies() {
  return {.name = "copies",
          .help = "whole copies of files, a copy for each session",
          .parameters = {{"dir_path", Parameter::Type::path, true, "", "the directory the volumes lie in"}},
          .capabilities = {Capability::volatile_volumes, Capability::origin_volumes,
                           Capability::snapshot_volumes, Capability::writable_volumes, Capability::overlay,
                           Capability::export_, Capability::import},
          .make = [](PoolSpec spec, DriverContext& context) {
            return std::make_unique<CopiesPool>(std::move(spec), context);
          }};
}

}  // namespace

COWSHED_PLUGIN(copies)
