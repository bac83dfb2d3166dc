// SPDX-License-Identifier: Apache-2.0
// Many app VMs of one template, and commits of the template under those that run.
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "app/app.h"
#include "app/create_vm.h"
#include "layers/base.h"
#include "support/errors.h"
#include "support/model_world.h"
#include "support/vm_fixture.h"

namespace cowshed::test {
namespace {

using model::Content;
using model::difference;
using model::pattern;

const VolumeName root("root");
/// No whole number of chunks of any layer.
constexpr Bytes root_size{(1u << 20) + 3 * Sectors::bytes_each};
constexpr Bytes private_size{(64u << 10) + 5 * Sectors::bytes_each};

class FiftyVmsTest : public VmTest {
 protected:
  void SetUp() override {
    VmTest::SetUp();
    if (IsSkipped()) return;
    world_ = std::make_unique<model::World>("file", scratch(), "/tmp/cowshed-fifty-run", Path());
    app_ = std::make_unique<app::App>(app::AppOptions{
        .locations = world_->locations(), .lock = {.access = app::Access::write, .command = "fifty VMs"}});
    make({.name = VmName("debian")});
    write("the image");
  }

  void TearDown() override {
    if (app_) stop(app_->all_vms("what runs"));
    app_.reset();
    world_.reset();
    VmTest::TearDown();
  }

  app::Vm& make(app::NewVm wanted) {
    if (wanted.kind == app::VmKind::template_) wanted.volumes.sizes.emplace(root, root_size);
    wanted.volumes.sizes.emplace(VolumeName("private"), private_size);
    wanted.volumes.sizes.emplace(VolumeName("volatile"), private_size);
    return app::create_vm(*app_, std::move(wanted));
  }
  app::Vm& app_vm(int number) {
    return make({.name = VmName(fmt::format("app{}", number)),
                 .kind = app::VmKind::app,
                 .template_name = debian().name()});
  }
  app::Vm& debian() { return app_->vm(VmName("debian")); }
  app::App& app() { return *app_; }

  /// One session of the template: writes, and with the stop commits.
  void write(const std::string&) {
    debian().start();
    write_to_template();
    debian().stop();
  }
  /// At a place of its own each time and at one that is always the same.
  void write_to_template() {
    const std::size_t at = 4096 * (++sessions_ % 200) + 512;
    for (const std::size_t offset : {at, std::size_t{0}})
      put(debian(), offset, pattern(sessions_, 8192), committed_);
  }
  void put(app::Vm& vm, std::size_t offset, const std::string& data, Content& expected) {
    if (expected.empty()) expected.assign(root_size.count, '\0');
    ASSERT_TRUE(world_->write(vm.name().str(), root.str(), offset, data));
    expected.replace(offset, data.size(), data);
  }

  /// Together, as `cowshed vm start` with several names.
  void start(const std::vector<app::Vm*>& vms) {
    for (const auto& outcome : app_->start(vms)) ASSERT_FALSE(outcome.error) << outcome.error->message();
    for (app::Vm* vm : vms) seen_[vm] = committed_;
  }
  void stop(const std::vector<app::Vm*>& vms) {
    for (const auto& outcome : app_->stop(vms)) EXPECT_FALSE(outcome.error) << outcome.error->message();
    for (app::Vm* vm : vms) seen_.erase(vm);
  }
  /// Each its own place.
  void write_to_each() {
    std::size_t number = 0;
    for (auto& [vm, content] : seen_) {
      ++number;
      put(*vm, number * 512 * 7, pattern(1000 + number, 2048), content);
    }
  }
  void expect_all_right() {
    for (const auto& [vm, content] : seen_) {
      const auto wrong = difference(content, read(*vm));
      EXPECT_EQ(wrong, "") << vm->name().str();
    }
  }
  Content read(app::Vm& vm) { return model::read_whole(world_->device(vm.name().str(), root.str()), true); }
  model::World& world() { return *world_; }
  /// Without its suffix, in the first pool.
  Path files_of(const std::string& directory, const std::string& vm, const std::string& volume) {
    return world_->locations().state / directory / vm / volume;
  }
  [[nodiscard]] const Content& committed() const { return committed_; }
  void expect(app::Vm& vm, const Content& content) { seen_[&vm] = content; }

 private:
  std::unique_ptr<model::World> world_;
  std::unique_ptr<app::App> app_;
  std::uint64_t sessions_ = 0;
  Content committed_;
  std::map<app::Vm*, Content> seen_;
};

std::vector<app::Vm*> part(const std::vector<app::Vm*>& vms, std::size_t from, std::size_t to) {
  return {vms.begin() + static_cast<std::ptrdiff_t>(from), vms.begin() + static_cast<std::ptrdiff_t>(to)};
}

std::size_t number_of_vms() {
  const char* text = std::getenv("COWSHED_FIFTY");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 50;
}

TEST_F(FiftyVmsTest, each_sees_the_state_of_its_start_while_the_template_commits_twice) {
  const std::size_t all = number_of_vms();
  std::vector<app::Vm*> vms;
  for (std::size_t i = 0; i < all; ++i) vms.push_back(&app_vm(static_cast<int>(i)));
  start(part(vms, 0, all / 2));
  write_to_each();
  const Content before = committed();
  debian().start();
  write_to_template();
  // These start beside the template's session, which they must not see.
  const Content uncommitted = committed();
  const auto beside = part(vms, all / 2, all * 3 / 4);
  start(beside);
  for (app::Vm* vm : beside) expect(*vm, before);
  write_to_each();
  expect_all_right();
  debian().stop();
  expect_all_right();
  start(part(vms, all * 3 / 4, all));
  EXPECT_EQ(difference(uncommitted, read(*vms.back())), "");
  write("the second commit");
  write_to_each();
  expect_all_right();
  // Some go and come again between those that stay.
  stop(part(vms, all / 4, all / 2));
  start(part(vms, all / 4, all / 2));
  expect_all_right();
  stop(vms);
  EXPECT_EQ(
      difference(committed(), model::read_whole(files_of("vm-templates", "debian", "root") += ".img", false)),
      "");
}

TEST_F(FiftyVmsTest, nothing_is_left_when_all_have_stopped) {
  std::vector<app::Vm*> vms;
  vms.reserve(number_of_vms());
  for (int i = 0; i < static_cast<int>(number_of_vms()); ++i) vms.push_back(&app_vm(i));
  start(vms);
  write("a commit under them");
  stop(vms);
  for (auto& volume : {"root", "private"})
    EXPECT_FALSE(path_exists(files_of("vm-templates", "debian", volume) += "-cow.img"));
  EXPECT_FALSE(std::filesystem::exists(world().locations().devices()) &&
               !std::filesystem::is_empty(world().locations().devices()));
  for (app::Vm* vm : vms) {
    EXPECT_FALSE(vm->is_running());
    EXPECT_FALSE(path_exists(files_of("appvms", vm->name().str(), "volatile") += ".img"));
  }
  app().pool(PoolName("varlib")).finish();
  EXPECT_TRUE(eventually([&] { return control().list().empty() && loop::list().empty(); }));
}

TEST_F(FiftyVmsTest, a_long_running_vm_never_stops_its_template_from_committing) {
  app::Vm& longrunning = app_vm(1);
  start({&longrunning});
  for (std::size_t commit = 0; commit < layers::max_views + 4; ++commit) {
    write("another commit");
    expect_all_right();
  }
  stop({&longrunning});
  write("goes on");
  start({&longrunning});
  expect_all_right();
}

}  // namespace
}  // namespace cowshed::test

int main(int argc, char** argv) {
  // Also the executable that carries out a World's commands.
  if (cowshed::test::model::carry_out_if_asked(argc, argv)) return 0;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
