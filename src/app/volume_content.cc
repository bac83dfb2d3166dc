// SPDX-License-Identifier: Apache-2.0
#include "app/volume_content.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "app/app.h"
#include "app/interruption.h"
#include "app/progress.h"
#include "base/undo.h"
#include "io/copy.h"
#include "io/stream.h"

namespace cowshed::app {

namespace {

using pools::Export;
using pools::Volume;

template <typename Body>
void on(const Vm& vm, const Volume& volume, std::string_view what, Body body) {
  in_context([&] { return fmt::format("{} '{}:{}'", what, vm.name().str(), volume.properties().name.str()); },
             body);
}

/// The definition follows what the volume has become.
void save_size_now(Vm& vm, Volume& volume, Bytes size) {
  const auto before = volume.properties();
  if (before.size == size) return;
  auto after = before;
  after.size = size;
  vm.set_properties(volume, after);
  Undo restore([&] { vm.set_properties(volume, before); });
  if (!vm.is_throwaway()) vm.app().save(vm);
  restore.release();
}

void save_size(Vm& vm, Volume& volume, Bytes size) {
  Turn::alone([&] { save_size_now(vm, volume, size); });
}

/// Others go on while it is waited for.
void wait_for(pools::Operation<void> operation) {
  Turn::with_vms_only([&] { operation.get(); });
}

io::CopyProgress told(const pools::ProgressWatch& progress, Bytes total) {
  return [progress, total](Bytes done) { progress({done, total, true}); };
}

void write_out(const Export& state, const Fd& source, int fd, const Path& name,
               const pools::ProgressWatch& progress) {
  io::write_stream(io::stream_of(state.data()), io::End(source, state.path()), state.size(), fd, name,
                   told(progress, state.size()));
}

void write_file(const Export& state, const Fd& source, const Path& file,
                const pools::ProgressWatch& progress) {
  const Path temporary = half_made(file);
  unlink_if_exists(temporary);
  Undo undo([&] { unlink_if_exists(temporary); });
  create_sparse(temporary, state.size());
  const Fd target = io::open_direct_if_possible(temporary, O_RDWR);
  io::CopyOptions options;
  options.progress = told(progress, state.size());
  options.zeroes = io::Zeroes::skip;
  options.sync = false;
  io::copy_extents(io::stream_of(state.data()), io::End(source, state.path()), io::End(target, temporary),
                   options);
  sync_file(target, temporary);
  rename_durably(temporary, file);
  undo.release();
}

void refuse_small(const Fd& device, const Path& name, Bytes size) {
  const off_t end = ::lseek(device.get(), 0, SEEK_END);
  if (end >= 0 && static_cast<std::uint64_t>(end) < size.count)
    throw Error(ErrorKind::no_space,
                fmt::format("'{}' has {} bytes, the volume {}", name.native(), end, size.count));
  ::lseek(device.get(), 0, SEEK_SET);
}

/// Whoever reads it sees the end before this program has come to its own.
void close_standard_output() {
  const Fd nothing = open_file("/dev/null", O_WRONLY);
  if (::dup2(nothing.get(), STDOUT_FILENO) < 0) throw Error::from_errno(errno, "close standard output");
}

void write_to(const Export& state, const Path& file, const pools::ProgressWatch& progress) {
  const Fd source = io::open_direct_if_possible(state.path(), O_RDONLY);
  if (file == "-") {
    write_out(state, source, STDOUT_FILENO, "standard output", progress);
    return close_standard_output();
  }
  struct stat st {};
  const bool is_there = ::stat(file.c_str(), &st) == 0;
  if (!is_there || S_ISREG(st.st_mode)) return write_file(state, source, file, progress);
  const Fd target = open_file(file, O_WRONLY);
  if (S_ISBLK(st.st_mode)) refuse_small(target, file, state.size());
  write_out(state, source, target.get(), file, progress);
  if (S_ISBLK(st.st_mode)) sync_file(target, file);
}

}  // namespace

Fd wait_for_input(const Path& file) {
  struct stat st {};
  const bool is_standard = file == "-";
  if (!is_standard && (::stat(file.c_str(), &st) < 0 || !S_ISFIFO(st.st_mode))) return {};
  Fd fifo = is_standard ? Fd() : open_file(file, O_RDONLY);
  pollfd input{is_standard ? STDIN_FILENO : fifo.get(), POLLIN, 0};
  while (::poll(&input, 1, -1) < 0) {
    if (errno != EINTR) throw Error::from_errno(errno, fmt::format("wait for '{}'", file.native()));
    throw_if_interrupted();
  }
  return fifo;
}

void import_file(Vm& vm, Volume& volume, const pools::GivenImage& image, pools::ProgressWatch progress) {
  on(vm, volume, "import into", [&] {
    wait_for(volume.import_file(image, interruptible(std::move(progress))));
    save_size(vm, volume, volume.size());
  });
}

void import_volume(Vm& vm, Volume& volume, Volume& from, pools::ProgressWatch progress) {
  on(vm, volume, "import into", [&] {
    wait_for(volume.import_volume(from, interruptible(std::move(progress))));
    save_size(vm, volume, volume.size());
  });
}

void export_file(Vm& vm, Volume& volume, const Path& file, pools::ProgressWatch progress) {
  on(vm, volume, "export", [&] {
    App& app = vm.app();
    const auto pinned = app.pin(vm.name());
    const auto state = volume.begin_export().get();
    const Undo at_the_end([&] {
      if (app.is_locked()) state->end();
    });
    app.while_unlocked([&] { write_to(*state, file, interruptible(std::move(progress))); });
  });
}

void resize(Vm& vm, Volume& volume, Bytes size, bool shrink, pools::ProgressWatch progress) {
  on(vm, volume, "resize", [&] {
    const bool grows = size >= volume.size();
    try {
      wait_for(volume.resize(size, shrink, interruptible(std::move(progress))));
    } catch (const Error& error) {
      // The image may have grown, and not all devices over it.
      if (grows && error.error_number() != 0) vm.app().leave_unclean();
      throw;
    }
    save_size(vm, volume, size);
  });
}

void revert(Vm& vm, Volume& volume, const std::optional<std::string>& revision,
            pools::ProgressWatch progress) {
  on(vm, volume, "revert", [&] {
    wait_for(volume.revert(revision, interruptible(std::move(progress))));
    save_size(vm, volume, volume.size());
  });
}

void promote(Vm& vm, Volume& volume, pools::ProgressWatch progress) {
  on(vm, volume, "promote", [&] {
    wait_for(volume.promote(interruptible(std::move(progress))));
    Volume& source = volume.source();
    save_size(vm.owner_of(source), source, source.size());
  });
}

}  // namespace cowshed::app
