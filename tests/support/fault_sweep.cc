// SPDX-License-Identifier: Apache-2.0
#include "support/fault_sweep.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

namespace cowshed::test {

namespace {

std::string text_of(const std::string& error_name) {
  for (int number = 1; number < 134; ++number)
    if (const char* name = ::strerrorname_np(number); name != nullptr && error_name == name)
      return ::strerrordesc_np(number);
  return error_name;
}

std::string describe(const Command& command, const Fault& fault, const std::string& hit) {
  return fmt::format("cowshed {}: {} at {} {} ({})", fmt::join(command, " "), fault.action, fault.calls,
                     fault.at, hit);
}

/// What throws in a check is a failure of this point; the next are still looked at.
void check(const std::string& what, const std::function<void()>& body) {
  SCOPED_TRACE(what);
  try {
    body();
  } catch (const std::exception& failure) {
    ADD_FAILURE() << what << ": " << failure.what();
  }
}

/// Nothing but the one line is on stderr, and it tells the cause.
void expect_cause(const Outcome& outcome, const Fault& fault, const std::string& what) {
  EXPECT_EQ(outcome.status, 1) << what << ": " << outcome.text();
  expect_one_error_line(outcome, what);
  EXPECT_NE(outcome.err.find(text_of(fault.action)), std::string::npos) << what << ": " << outcome.text();
}

}  // namespace

const std::vector<FaultKind>& fault_kinds() {
  static const std::vector<FaultKind> kinds{
      {"dm", {"ENOMEM", "EBUSY", "EINVAL"}},
      {"loop", {"ENOMEM", "EBUSY", "EINVAL"}},
      {"open", {"EMFILE", "ENOMEM"}},
      {"change", {"ENOSPC", "EIO"}},
      {"write", {"ENOSPC", "EIO"}},
      {"sync", {"EIO", "ENOSPC"}},
      {"read", {"EIO"}, 5},
      {"lock", {"ENOLCK"}},
      {"thread", {"EAGAIN"}},
      {"key", {"EDQUOT", "EPERM"}},
  };
  return kinds;
}

namespace {

/// What lies between two calls that change something differs little; which are visited differs from run to
/// run.
constexpr unsigned long short_run_stride = 5;

}  // namespace

bool FaultTest::fail_one(const Sweep& sweep, const Fault& fault) {
  sweep.prepare();
  const Everything before = everything();
  const auto [outcome, report] = cowshed_with(fault, sweep.command);
  const std::string what = describe(sweep.command, fault, report.hit.value_or("nothing hit"));
  if (!report.hit) {
    EXPECT_TRUE(outcome.ok()) << what << ": " << outcome.text();
    check(what, [&] { sweep.done(what); });
    return false;
  }
  ++tally_.points;
  if (outcome.ok()) {
    ++tally_.survived;
    check(what, [&, warned = !outcome.err.empty()] {
      if (warned) must(sweep.next);
      sweep.done(what);
    });
  } else {
    ++tally_.failed;
    check(what, [&, &failed = outcome] {
      expect_cause(failed, fault, what);
      sweep.failed(before, what);
    });
  }
  return true;
}

void FaultTest::fail_each_call(const Sweep& sweep) {
  for (const auto& kind : fault_kinds()) {
    tally_ = {};
    const unsigned long stride = is_long_run() ? 1 : kind.stride * sweep.stride;
    for (unsigned long at = 1 + test::between(random_, 0, is_long_run() ? 0 : sweep.stride - 1);;
         at += stride) {
      bool hit = false;
      for (std::size_t i = 0; i < kind.errors.size(); ++i)
        if (is_long_run() || (at / stride) % kind.errors.size() == i)
          hit = fail_one(sweep, {kind.calls, at, kind.errors[i]});
      if (!hit || HasFatalFailure()) break;
    }
    fmt::print("cowshed {}: {:6} {:3} points: {} failed, {} did their work all the same\n",
               fmt::join(sweep.command, " "), kind.calls, tally_.points, tally_.failed, tally_.survived);
    std::fflush(stdout);
  }
}

void FaultTest::kill_at_each_call(const KillSweep& sweep) {
  const bool is_whole = is_long_run() || !sweep.only.empty();
  const std::string calls = !sweep.only.empty() ? sweep.only
                            : is_long_run()     ? "all"
                                                : "ioctl,open,change,write,sync,thread,key";
  const unsigned long stride = is_whole ? 1 : short_run_stride * sweep.stride;
  unsigned long points = 0;
  for (unsigned long at = 1 + test::between(random_, 0, stride - 1); !HasFatalFailure(); at += stride) {
    sweep.prepare();
    const Fault fault{calls, at, "kill"};
    const auto [outcome, report] = cowshed_with(fault, sweep.command);
    const std::string what = describe(sweep.command, fault, report.hit.value_or("nothing hit"));
    if (!report.hit) {
      EXPECT_TRUE(outcome.ok()) << what << ": " << outcome.text();
      check(what, [&] { sweep.done(what); });
      break;
    }
    EXPECT_EQ(outcome.signal, SIGKILL) << what << ": " << outcome.text();
    ++points;
    check(what, [&] { sweep.killed(what); });
  }
  fmt::print("cowshed {}: killed at {} points\n", fmt::join(sweep.command, " "), points);
  std::fflush(stdout);
}

}  // namespace cowshed::test
