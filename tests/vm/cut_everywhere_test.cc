// SPDX-License-Identifier: Apache-2.0
// The VM's power is cut before each call by which a command changes something on the disk: after the next
// boot the volume holds exactly the old or exactly the new state. tests/scripts/power_cuts.sh boots the VM
// again and again.
#include <fcntl.h>
#include <fmt/core.h>

#include <filesystem>
#include <functional>

#include "support/content_scenarios.h"

namespace cowshed::test {
namespace {

/// What makes a difference to what a disk holds.
constexpr auto calls = "change,write,sync";
/// In a short run only each so many-th of them.
unsigned long stride() { return is_long_run() ? 1 : 16; }

/// How far the walk through a command's calls has come. On the disk, durably: the power is going to be cut.
class Walk {
 public:
  explicit Walk(Path file) : file_(std::move(file)) {
    if (path_exists(file_)) data_ = nlohmann::json::parse(read_file(file_, kibibytes(64)));
  }

  /// How it went, when it is over.
  [[nodiscard]] std::string told() const { return data_.value("told", ""); }
  /// The call before which the power was cut last; 0 at first.
  [[nodiscard]] unsigned long at() const { return data_.value("at", 0UL); }
  [[nodiscard]] Picture files() const { return data_.value("files", Picture{}); }

  void begin(unsigned long at, const Picture& files) { save({{"at", at}, {"files", files}}); }
  void end(const std::string& told) { save({{"told", told}}); }

 private:
  void save(nlohmann::json data) {
    data_ = std::move(data);
    const Path half = file_.native() + ".new";
    const Fd fd = open_file(half, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    write_all(fd, data_.dump(), half);
    sync_file(fd, half);
    rename_durably(half, file_);
  }

  Path file_;
  nlohmann::json data_ = nlohmann::json::object();
};

class CutEverywhereTest : public ContentScenarios {
 protected:
  using Create = std::function<void()>;
  using Make = std::function<Scenario()>;

  /// Comes back when the power was cut everywhere; in between the VM boots again, and the test begins anew.
  void cut_everywhere(const Create& create, const Make& make) {
    // The next cut would take the message with it.
    if (testing::UnitTest::GetInstance()->Failed()) return;
    Walk walk(progress_file());
    if (walk.at() != 0) survive(walk, make);
    if (walk.told().empty() && !HasFailure()) cut(walk, create, make);
    if (!HasFailure()) fmt::print("{}\n", walk.told());
  }

 private:
  Path make_scratch(const Path& base) override {
    name_ = testing::UnitTest::GetInstance()->current_test_info()->name();
    base_ = base;
    make_directories(base / name_);
    return base / name_;
  }
  [[nodiscard]] Path progress_file() const { return base_ / (name_ + ".json"); }

  void survive(const Walk& walk, const Make& make) {
    const std::string what = fmt::format("power cut before call {}", walk.at());
    SCOPED_TRACE(what);
    nothing_runs_any_more();
    remember_files(walk.files());
    // What is in memory on a real machine.
    std::filesystem::remove_all(run_directory());
    // Else the next command that has something to change puts it right.
    if (walk.at() % 2 == 1) must({"recover"});
    make().check(what);
    std::filesystem::remove_all(state());
  }

  void cut(Walk& walk, const Create& create, const Make& make) {
    const unsigned long at = walk.at() == 0 ? first() : walk.at() + stride();
    create();
    const Scenario scenario = make();
    scenario.prepare();
    walk.begin(at, remembered_files());
    const auto [outcome, report] = cowshed_with({calls, at, "powercut"}, scenario.command);
    EXPECT_FALSE(report.hit) << "the machine survived: " << outcome.text();
    EXPECT_TRUE(outcome.ok()) << outcome.text();
    scenario.check("without a cut");
    EXPECT_GE(report.count, first()) << "the power was never cut";
    walk.end(fmt::format("power cut before {} of {} calls", (report.count - first()) / stride() + 1,
                         report.count));
  }
  /// The same at every boot.
  [[nodiscard]] unsigned long first() const {
    return is_long_run() ? 1 : 1 + std::hash<std::string>{}(name_) % stride() / 2;
  }

  Path base_;
  std::string name_;
};

TEST_F(CutEverywhereTest, InTheCommitOfAnInPlaceSession) {
  cut_everywhere([&] { create_vms_with_policy("in-place"); }, [&] { return commit_session(); });
}
TEST_F(CutEverywhereTest, InTheCommitOfAnOverlaySession) {
  cut_everywhere([&] { create_vms_with_policy("overlay"); }, [&] { return commit_session(); });
}
TEST_F(CutEverywhereTest, InACommitWithNobodyOnTheImage) {
  cut_everywhere([&] { create_template_with_revision(); }, [&] { return commit_session(); });
}
TEST_F(CutEverywhereTest, InACommitThatKeepsNoRevision) {
  cut_everywhere(
      [&] {
        create_template_with_revision();
        keep_no_revision();
      },
      [&] { return commit_session_keeping_none(); });
}
TEST_F(CutEverywhereTest, InARevert) {
  cut_everywhere([&] { create_vms(); }, [&] { return revert(); });
}
TEST_F(CutEverywhereTest, InAnImport) {
  cut_everywhere([&] { create_vms(); }, [&] { return import(); });
}
TEST_F(CutEverywhereTest, InAShrink) {
  cut_everywhere([&] { create_vms(); }, [&] { return shrink(); });
}
TEST_F(CutEverywhereTest, InAPromotion) {
  cut_everywhere(
      [&] {
        create_vms();
        create_draft();
      },
      [&] { return promote_stopped(); });
}
TEST_F(CutEverywhereTest, InAClone) {
  cut_everywhere([&] { create_vms(); }, [&] { return clone(); });
}

}  // namespace
}  // namespace cowshed::test
