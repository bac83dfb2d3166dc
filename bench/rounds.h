// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rows.h"

/// Several ways to do the same job, side by side.
namespace bench {

/// One way to do a job.
class Way {
 public:
  explicit Way(std::string name) : name_(std::move(name)) {}
  virtual ~Way() = default;
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }

  /// Before each run, not measured.
  virtual void prepare() = 0;
  /// Returns when the result is on the disk.
  virtual void run() = 0;
  /// Afterwards, not measured, in rounds that do not count: throws where the result is not right.
  virtual void check() = 0;
  virtual void clean_up() = 0;

 private:
  std::string name_;
};

using Ways = std::vector<std::unique_ptr<Way>>;

/// What one run took: time, and time on a processor, in the program and in the kernel for it.
struct Cost {
  double us = 0, cpu_us = 0;
};

/// A run in this process. Threads of the kernel that it made, as io_uring's, count.
Cost cost_here(Way& way);
/// A run in a process of its own, which the programs that it starts belong to. Throws where it fails.
Cost cost_in_child(Way& way);

/// Rows of each way in one case: times, and, in a case of their own, times on a processor. Every round runs
/// each way once, in another order.
struct Results {
  std::vector<Row> times, cpu;
};
Results run_rounds(const std::string& name_of_case, const Ways& ways, int rounds,
                   const std::function<Cost(Way&)>& cost_of);

}  // namespace bench
