// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mount.h>

#include "support/content_scenarios.h"
#include "support/seed.h"
#include "support/write_log.h"

namespace cowshed::test {

/// Of the points at which somebody waited, how many are passed over until the next.
inline std::size_t passed_over() { return is_long_run() ? 0 : 2; }

/// The pool's disk has a volatile cache and the power fails: at every point at which a command waited for the
/// disk, and with any part of what was written since on it or not, the volume holds exactly the old or
/// exactly the new state.
class LostCacheTest : public ContentScenarios {
 protected:
  /// On which the pool lies.
  [[nodiscard]] virtual std::string file_system() const { return "ext4"; }

  /// `create` makes the VMs and `scenario` is one of ours.
  void lose_caches_in(const std::function<void()>& create, const std::function<Scenario()>& scenario) {
    const Scenario recorded = record(create, scenario);
    nothing_runs_any_more();
    const WriteLog log(log_file());
    const std::size_t begin = log.index_of("begin"), end = log.index_of("end");
    const Fd disk = create_sparse(scratch() / "replayed", disk_size());
    int points = 0, visited = 0;
    std::size_t to_pass = between(random_, 0, passed_over());
    for (std::size_t i = 0; i <= end; ++i) {
      const auto& entry = log.entries()[i];
      log.write(entry, disk);
      if (i < begin || (i != end && !entry.is_waited_for())) continue;
      ++points;
      if (i != end && to_pass-- > 0) continue;
      to_pass = passed_over();
      ++visited;
      survive(log, i, recorded.check);
      if (HasFatalFailure()) return;
    }
    fmt::print("{} writes, power lost at {} of {} points\n", end - begin, visited, points);
    EXPECT_GT(points, 3);
  }

 private:
  /// The smallest of which the file system will have it.
  [[nodiscard]] Bytes disk_size() const {
    if (file_system() == "xfs") return mebibytes(320);
    return mebibytes(file_system() == "btrfs" ? 256 : 64);
  }
  /// At once and wholly: what comes later is to be the commands'.
  [[nodiscard]] std::vector<std::string> mkfs() const {
    const std::string disk = RecordedDisk::node();
    if (file_system() == "ext4")
      return {"mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", disk};
    return {"mkfs." + file_system(), "-q", "-K", disk};
  }

  Path log_file() const { return scratch() / "log"; }

  Scenario record(const std::function<void()>& create, const std::function<Scenario()>& scenario) {
    const RecordedDisk disk(scratch() / "data", disk_size(), log_file());
    const Outcome made = run_program(mkfs());
    EXPECT_TRUE(made.ok()) << made.text();
    make_directories(state());
    mount(RecordedDisk::node());
    create();
    Scenario recorded = scenario();
    recorded.prepare();
    RecordedDisk::mark("begin");
    must(recorded.command);
    RecordedDisk::mark("end");
    stop_all();
    unmount();
    return recorded;
  }

  /// What is on the disk: all up to entry `last`, and by chance what came until the next time anybody waited
  /// for it.
  void survive(const WriteLog& log, std::size_t last, const std::function<void(const std::string&)>& check) {
    const std::string what = fmt::format("power lost after write {}", last);
    SCOPED_TRACE(what);
    const Path file = scratch() / "survived";
    const Outcome copied = run_program({"cp", "--sparse=always", scratch() / "replayed", file});
    ASSERT_TRUE(copied.ok()) << copied.text();
    const Fd fd = open_file(file, O_RDWR);
    for (std::size_t i = last + 1; i < log.entries().size() && !log.entries()[i].is_waited_for(); ++i)
      if (between(random_, 0, 1) == 1) log.write(log.entries()[i], fd);
    std::filesystem::remove_all(run_directory());
    const auto loop = loop::Loop::attach(fd, file, {});
    mount(loop.path());
    must({"recover"});
    try {
      check(what);
    } catch (const std::exception& failure) {
      ADD_FAILURE() << failure.what();
    }
    stop_all();
    unmount();
    unlink_if_exists(file);
  }

  void mount(const Path& device) {
    // btrfs would take an older state of the same disk for another disk of the same file system.
    if (file_system() == "btrfs") run_program({"btrfs", "device", "scan", "--forget"});
    ASSERT_EQ(::mount(device.c_str(), state().c_str(), file_system().c_str(), 0, nullptr), 0)
        << std::strerror(errno);
  }
  void unmount() {
    EXPECT_TRUE(eventually([&] { return ::umount(state().c_str()) == 0; })) << std::strerror(errno);
  }
  void stop_all() {
    for (const auto& vm : json({"vm", "list"}))
      if (vm.at("state") != "stopped") must({"vm", "stop", vm.at("name")});
  }

  std::mt19937_64 random_{seed()};
};

}  // namespace cowshed::test
