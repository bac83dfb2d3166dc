// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/core.h>
#include <linux/capability.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/host_paths.h"

namespace cowshed::test {

/// What a host says about itself, in a directory: one that lacks nothing, until a test takes something away.
class FakeHost {
 public:
  explicit FakeHost(Path root) : paths_{std::move(root)} {
    write("proc/sys/kernel/osrelease", "6.1.0-42-amd64\n");
    write("proc/self/status", fmt::format("Name:\tcowshed\nCapEff:\t{:016x}\n", 0x1ff'ffff'ffffULL));
    write("proc/self/mountinfo", "25 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n");
    write("proc/sys/fs/file-nr", "1000\t0\t100000\n");
    for (const char* name : {"dm_mod", "dm_snapshot", "dm_zero", "dm_crypt", "loop"}) load(name);
    write("sys/class/misc/device-mapper/dev", "10:236\n");
    write("sys/class/misc/loop-control/dev", "10:237\n");
    write("sys/module/loop/parameters/max_part", "0\n");
    write("sys/module/loop/parameters/max_loop", "8\n");
    write("dev/mapper/control", "");
    write("dev/loop-control", "");
  }

  [[nodiscard]] const HostPaths& paths() const { return paths_; }

  void write(const Path& file, const std::string& text) {
    const Path path = paths_.root / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::trunc) << text;
  }
  void remove(const Path& path) { std::filesystem::remove_all(paths_.root / path); }
  void load(const std::string& module) { write(Path("sys/module") / module / "refcnt", "0\n"); }
  /// It is not loaded, but lies there.
  void unload(const std::string& module) {
    remove(Path("sys/module") / module);
    const auto list = paths_.at("lib/modules/6.1.0-42-amd64/modules.dep");
    std::filesystem::create_directories(list.parent_path());
    std::ofstream(list, std::ios::app) << "kernel/drivers/md/" << module << ".ko.xz: kernel/a.ko\n";
  }
  void start_udev() { write("run/udev/control", ""); }

 private:
  HostPaths paths_;
};

}  // namespace cowshed::test
