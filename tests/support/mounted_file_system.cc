// SPDX-License-Identifier: Apache-2.0
#include "support/mounted_file_system.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/error.h"
#include "support/process.h"

namespace cowshed::test {

namespace {

constexpr const char* scratch_variable = "COWSHED_SCRATCH";

std::string disk() {
  const char* const name = std::getenv("RAW_DEV");
  return name != nullptr ? name : "";
}

std::vector<std::string> mkfs(const std::string& type, Bytes size, const std::string& where) {
  const std::string bytes = std::to_string(size.count);
  if (type == "xfs") return {"mkfs.xfs", "-q", "-f", "-d", "size=" + bytes, where};
  if (type == "btrfs") return {"mkfs.btrfs", "-q", "-f", "-b", bytes, where};
  return {"mkfs.ext4", "-q", "-F", "-b", "4096", where, std::to_string(size.count / 4096)};
}

void run(const std::vector<std::string>& program) {
  const Outcome outcome = run_program(program);
  if (!outcome.ok()) throw Error(ErrorKind::kernel_refused, program.front() + ": " + outcome.text());
}

}  // namespace

bool MountedFileSystem::is_possible() { return !disk().empty(); }

MountedFileSystem::MountedFileSystem(const std::string& type, Bytes size) {
  run(mkfs(type, size, disk()));
  run({"mount", "-t", type, disk(), directory()});
  ::setenv(scratch_variable, directory().c_str(), 1);
}

MountedFileSystem::~MountedFileSystem() {
  ::unsetenv(scratch_variable);
  const Outcome outcome = run_program({"umount", directory()});
  EXPECT_TRUE(outcome.ok()) << "umount: " << outcome.text();
}

FileSystemInFile::FileSystemInFile(const std::string& type, const Path& file) {
  constexpr Bytes size = mebibytes(400);
  if (!path_exists(file)) {
    const Path half = half_made(file);
    unlink_if_exists(half);
    create_sparse(half, size);
    run(mkfs(type, size, half));
    sync_path(half);
    rename_durably(half, file);
  }
  run({"mount", "-t", type, "-o", "loop", file, MountedFileSystem::directory()});
}

FileSystemInFile::~FileSystemInFile() {
  const Outcome outcome = run_program({"umount", MountedFileSystem::directory()});
  if (!outcome.ok()) std::fprintf(stderr, "umount: %s\n", outcome.text().c_str());
}

}  // namespace cowshed::test
