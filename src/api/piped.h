// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>
#include <thread>

#include "base/fd.h"

/// Standard input and output for a service: a pipe that it opens by its path in /proc (proc(5)), and a thread
/// at the other end. The service must be allowed to open it: as root, or as the same user.
namespace cowshed::api {

struct Pipe {
  Pipe();
  Fd read_end, write_end;
};

/// What comes in on standard input can be read at path().
class PipedInput {
 public:
  PipedInput();

  [[nodiscard]] std::string path() const;

 private:
  Fd read_end_;
};

/// What is written at path() goes to standard output.
class PipedOutput {
 public:
  PipedOutput();
  ~PipedOutput();
  PipedOutput(const PipedOutput&) = delete;
  PipedOutput& operator=(const PipedOutput&) = delete;

  [[nodiscard]] std::string path() const;
  /// Nobody writes any more: returns when all is out. Throws Error where standard output did not take it.
  void finish();

 private:
  Fd write_end_;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace cowshed::api
