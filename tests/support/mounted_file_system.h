// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "base/file.h"

namespace cowshed::test {

/// A new file system on the VM's second disk ($RAW_DEV), mounted for as long as this lives; meanwhile tests
/// have their scratch() on it (COWSHED_SCRATCH). Throws where it cannot be made.
class MountedFileSystem {
 public:
  /// "xfs", "btrfs" or "ext4"; of at least 300 MiB, which XFS asks for.
  explicit MountedFileSystem(const std::string& type, Bytes size = mebibytes(512));
  MountedFileSystem(const MountedFileSystem&) = delete;
  MountedFileSystem& operator=(const MountedFileSystem&) = delete;
  ~MountedFileSystem();

  /// There is a second disk: this is the VM.
  static bool is_possible();
  static Path directory() { return "/mnt"; }
};

/// A file system in a file, made where that is missing: what was on its disk when the power was cut is there
/// after the next boot. Mounted in MountedFileSystem::directory() for as long as this lives.
class FileSystemInFile {
 public:
  FileSystemInFile(const std::string& type, const Path& file);
  FileSystemInFile(const FileSystemInFile&) = delete;
  FileSystemInFile& operator=(const FileSystemInFile&) = delete;
  ~FileSystemInFile();
};

/// A fixture whose scratch() lies on a new file system of the type that the parameter names.
template <typename Fixture>
class OnFileSystem : public Fixture, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    if (MountedFileSystem::is_possible()) file_system_.emplace(GetParam());
    Fixture::SetUp();
  }
  void TearDown() override {
    Fixture::TearDown();
    file_system_.reset();
  }

 private:
  std::optional<MountedFileSystem> file_system_;
};

/// Those that share extents.
inline const auto sharing_file_systems = testing::Values("xfs", "btrfs");
inline std::string file_system_name(const testing::TestParamInfo<const char*>& info) { return info.param; }

}  // namespace cowshed::test
