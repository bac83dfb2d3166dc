// SPDX-License-Identifier: Apache-2.0
// Who has held sessions is killed: nobody waits for ever.
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "support/errors.h"
#include "support/space_fixture.h"

namespace cowshed::test {
namespace {

using Kind = GuardEvent::Kind;

constexpr const char* guard_option = "--guard";

/// In another process: starts `vm` and guards until it is killed.
[[noreturn]] void guard_for_ever(const app::Locations& locations, const std::string& vm) {
  const auto app = open_app(locations, true);
  app->vm(VmName(vm)).start();
  for (;;) {
    app->guard_space();
    ::usleep(10'000);
  }
}

class KilledGuardTest : public SpaceTest {
 protected:
  void start_guarded(const std::string& vm) {
    const std::string own = std::filesystem::read_symlink("/proc/self/exe");
    std::vector<std::string> words{own, guard_option, locations().state, locations().run, vm};
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ASSERT_EQ(::posix_spawn(&pid_, own.c_str(), nullptr, nullptr, arguments.data(), environ), 0);
    ASSERT_TRUE(eventually([&] { return path_exists(locations().devices(VmName(vm)) / "root"); }));
  }
  void kill_guard() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] Path link(const std::string& vm) const { return locations().devices(VmName(vm)) / "root"; }
  /// Suspended, as the kernel tells.
  bool waits(const std::string& vm) {
    const auto info = control().info(number_of_node(link(vm)));
    return info && info->suspended;
  }

 private:
  static dm::DeviceNumber number_of_node(const Path& link) {
    const std::string name = std::filesystem::read_symlink(link).filename();
    const std::string text = read_file("/sys/block/" + name + "/dev", kibibytes(1));
    return dm::DeviceNumber::parse(text.substr(0, text.find('\n')));
  }
  pid_t pid_ = -1;
};

TEST_F(KilledGuardTest, what_was_held_for_its_limit_goes_on_when_it_is_recovered) {
  open(true);
  create_template(false);
  create_app("work");
  set("work", "cow_limit", "2MiB");
  close();
  start_guarded("work");
  GuestProcess guest(link("work"));
  ASSERT_TRUE(eventually([&] { return waits("work"); }));
  kill_guard();
  EXPECT_NE(cowshed({"volume", "list"}).out.find("held"), std::string::npos);
  EXPECT_NE(cowshed({"--json", "volume", "info", "work:root"}).out.find("\"is_held\":true"),
            std::string::npos);
  EXPECT_NE(cowshed({"status"}).out.find("1 held"), std::string::npos);
  const Outcome recovered = cowshed({"recover"});
  EXPECT_TRUE(recovered.ok()) << recovered.text();
  EXPECT_NE(recovered.out.find("resume suspended"), std::string::npos) << recovered.text();
  EXPECT_FALSE(waits("work"));
  guest.wait();
  const Outcome stopped = cowshed({"vm", "stop", "work"});
  EXPECT_TRUE(stopped.ok()) << stopped.text();
  const Outcome again = cowshed({"vm", "start", "work"});
  EXPECT_FALSE(again.ok());
  EXPECT_NE(again.err.find("needs the service"), std::string::npos) << again.text();
}

TEST_F(KilledGuardTest, what_was_held_on_a_full_disk_stays_so_until_there_is_space) {
  open(true);
  create_template(false);
  create_app("work");
  close();
  start_guarded("work");
  leave(mebibytes(40));
  GuestProcess guest(link("work"));
  ASSERT_TRUE(eventually([&] { return waits("work"); }));
  kill_guard();
  fill_up();
  const Outcome in_vain = cowshed({"recover"});
  EXPECT_FALSE(in_vain.ok());
  EXPECT_NE(in_vain.text().find("stays held until there is space"), std::string::npos) << in_vain.text();
  EXPECT_TRUE(waits("work"));
  give_space();
  // The next command that changes something does it as well.
  const Outcome any = cowshed({"volume", "set", "debian:private", "revisions_to_keep", "1"});
  EXPECT_TRUE(any.ok()) << any.text();
  EXPECT_FALSE(waits("work"));
  guest.wait();
  const Outcome stopped = cowshed({"vm", "stop", "work"});
  EXPECT_TRUE(stopped.ok()) << stopped.text();
}

TEST_F(KilledGuardTest, another_guard_takes_over_what_was_held) {
  open(true);
  create_template(false);
  create_app("work");
  set("work", "cow_limit", "2MiB");
  close();
  start_guarded("work");
  GuestProcess guest(link("work"));
  ASSERT_TRUE(eventually([&] { return waits("work"); }));
  kill_guard();
  open(true);
  GuardThread guard(app());
  ::usleep(100'000);
  EXPECT_TRUE(is_held("work")) << "its limit is what it was";
  set("work", "cow_limit", "none");
  guest.wait();
  EXPECT_FALSE(is_held("work"));
  EXPECT_TRUE(guard.was_told(Kind::released, "work"));
}

}  // namespace
}  // namespace cowshed::test

int main(int argc, char** argv) {
  using namespace cowshed;
  if (argc == 5 && std::string_view(argv[1]) == test::guard_option)
    test::guard_for_ever({argv[2], argv[3]}, argv[4]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
