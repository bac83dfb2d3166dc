// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/kill_fixture.h"

namespace cowshed::test {

/// Commands that give a volume another content as a whole, each with what must hold wherever it was cut off:
/// the volume holds exactly the old or exactly the new state, its revision the other, a VM that runs sees no
/// change, and nothing is left.
class ContentScenarios : public KillTest {
 protected:
  struct Scenario {
    Command command;
    std::function<void()> prepare;
    /// What must hold after recovery, or after the work was done.
    std::function<void(const std::string& what)> check;
  };
  Scenario commit_session();
  /// The same after keep_no_revision().
  Scenario commit_session_keeping_none();
  Scenario revert();
  Scenario import();
  Scenario clone();
  Scenario grow();
  Scenario shrink();
  Scenario promote_stopped();
  Scenario promote_running();
  Scenario keep();

  /// A template that was committed with 'a' and then with 'b'.
  void create_template_with_revision();
  /// The same, under an app VM that runs on 'b'.
  void create_vms();
  /// The same; the template's next session has this write policy.
  void create_vms_with_policy(const std::string& policy);
  /// A second app VM, which keeps its changes; what the promotions need.
  void create_draft();

  void write_all_of(const std::string& vm, char value);
  /// From now on no revision of the template is kept.
  void keep_no_revision();
  /// Where it runs.
  void expect_work_unchanged(const std::string& what);
  /// As after a power loss.
  void nothing_runs_any_more() { session_files_.clear(); }
  /// Of what is stopped.
  [[nodiscard]] const Picture& remembered_files() const { return files_; }
  void remember_files(Picture files) { files_ = std::move(files); }

 private:
  Picture files();
  void remember_files();
  void commit(char value);
  /// The next session's; torn where the two blocks differ.
  char committed(const std::string& vm = "debian");
  void write_in_outdated_draft();
  void discard_draft();
  void check_promoted(const std::string& what);
  void expect_revert_to(char value, const std::string& what);
  /// Neither where it should not be, nor seen by whom it does not concern.
  void expect_nothing_else(const std::string& what);

  /// Of what is stopped, and what the running app VM adds to that.
  Picture files_, session_files_;
};

}  // namespace cowshed::test
