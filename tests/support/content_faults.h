// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/content_scenarios.h"

namespace cowshed::test {

/// A scenario is killed before each of its calls, or each call is made to fail.
class ContentFaultTest : public ContentScenarios {
 protected:
  void kill_everywhere(const Scenario& scenario) {
    kill_at_each_call({.command = scenario.command,
                       .prepare = scenario.prepare,
                       .killed =
                           [&](const std::string& what) {
                             expect_work_unchanged(what);
                             // Else the next command that has something to change puts it right.
                             recover_every_other_time(what);
                             scenario.check(what);
                           },
                       .done = scenario.check,
                       .stride = 5});
  }
  void fail_everywhere(const Scenario& scenario) {
    fail_each_call({.command = scenario.command,
                    .prepare = scenario.prepare,
                    .failed =
                        [&](const Everything&, const std::string& what) {
                          expect_work_unchanged(what);
                          must({"recover"});
                          scenario.check(what);
                        },
                    .done = scenario.check,
                    .stride = 14});
  }
};

}  // namespace cowshed::test
