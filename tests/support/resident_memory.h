// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <sstream>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace cowshed::test {

/// A sanitizer keeps what was freed, and a shadow of all.
constexpr bool can_measure_memory() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return false;
#else
  return true;
#endif
#else
  return true;
#endif
}

/// A line of /proc/self/status in kB: "VmRSS", "VmHWM".
inline Bytes memory_of_status(const std::string& name) {
  std::istringstream status(read_file("/proc/self/status", kibibytes(64)));
  for (std::string word; status >> word;) {
    std::uint64_t number = 0;
    if (word == name + ":" && status >> number) return kibibytes(number);
  }
  throw Error(ErrorKind::not_found, "/proc/self/status has no " + name);
}

/// What a process takes more at most than it had when `body` began (proc(5), clear_refs: 5 resets the peak).
/// `body` runs in a child, in which nothing that was freed before is kept to be reused unseen, and fails the
/// test by throwing.
inline Bytes memory_taken_by(const std::function<void()>& body) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) throw Error::from_errno(errno, "pipe");
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) throw Error::from_errno(errno, "fork");
  if (child == 0) {
    try {
      ::malloc_trim(0);
      write_all(open_file("/proc/self/clear_refs", O_WRONLY), "5", "/proc/self/clear_refs");
      const Bytes before = memory_of_status("VmRSS");
      body();
      const std::uint64_t taken = (memory_of_status("VmHWM") - before).count;
      ::_exit(::write(writing.get(), &taken, sizeof taken) == sizeof taken ? 0 : 1);
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "%s\n", failure.what());
      ::_exit(1);
    }
  }
  writing.reset();
  std::uint64_t taken = 0;
  const bool is_told = ::read(reading.get(), &taken, sizeof taken) == sizeof taken;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  EXPECT_TRUE(is_told && WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the child failed";
  return Bytes{taken};
}

}  // namespace cowshed::test
