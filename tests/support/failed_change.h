// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "support/content_scenarios.h"
#include "support/tally.h"

namespace cowshed::test {

/// A command that gives a volume another content fails, for a cause outside of it that stays for a while. As
/// long as the image was not touched nothing has changed then; from there on the volume says that a commit is
/// pending, does not start, and is finished once the cause is gone.
class FailedChangeTest : public ContentScenarios {
 protected:
  /// Everything is kept on that disk, on a new ext4, until let_go_of_disk().
  void keep_all_on(const Path& disk, const std::string& features);
  void let_go_of_disk();

  /// Makes the disk good again.
  virtual void remove_cause() = 0;

  /// To be called before the command, when all is prepared.
  void begin_point() { image_before_ = image_content(); }
  /// `outcome` is that of the scenario's command, given while the cause was there; `error` is its errno. What
  /// happened is counted under `part`.
  void end_point(const Scenario& scenario, const Outcome& outcome, int error, const std::string& part,
                 const std::string& what);
  /// Prints how often the command failed, and in what; never is too seldom.
  void report(const Scenario& scenario);

  /// In the work on the volume; not in what comes after it or goes on beside it: another volume, the VM's
  /// definition.
  [[nodiscard]] bool is_of_image(const Outcome& failed) const;
  [[nodiscard]] Path root(const std::string& ending) const {
    return state() / ("vm-templates/debian/root" + ending);
  }
  std::string image_content();
  test::Tally tally_;

 private:
  void expect_right_after_failure(const Outcome& failed, int error, const std::string& what);
  /// As long as the cause is there.
  void expect_no_recovery(const std::string& what);
  void expect_refused(const std::string& what);
  /// What was decided, now that the cause is gone.
  void complete(const std::string& what);
  /// A session that was to be committed goes on where nothing was decided.
  void stop_again(const Scenario& scenario);
  [[nodiscard]] bool is_pending() const;

  std::string image_before_;
  /// By what, in turns.
  enum class Completion { stop, recover, start } completion_ = Completion::stop;
};

}  // namespace cowshed::test
