// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/app.h"
#include "app/create_vm.h"
#include "app/pool_admin.h"
#include "app/volume_admin.h"
#include "base/file_system.h"
#include "support/mounted_file_system.h"
#include "support/process.h"
#include "support/vm_fixture.h"

/// VMs on a small file system of their own, and somebody who looks after its space.
namespace cowshed::test {

inline const VolumeName root("root");
inline const PoolName pool_name("varlib");
inline constexpr Bytes disk_size = mebibytes(256);
inline constexpr Bytes root_size = mebibytes(48);
inline constexpr Bytes small_size = kibibytes(64);
inline constexpr Bytes step = kibibytes(64);
/// Held with less than this.
inline constexpr Bytes space_hold = mebibytes(32);

inline std::unique_ptr<app::App> open_app(const app::Locations& locations, bool guards) {
  return std::make_unique<app::App>(
      app::AppOptions{.locations = locations,
                      .lock = {.access = app::Access::write, .command = "space test"},
                      .guards_space = guards});
}

/// Calls guard_space() as a service would.
class GuardThread {
 public:
  explicit GuardThread(app::App& app)
      : thread_([this, &app] {
          while (!stop_) {
            look(app);
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
          }
        }) {}
  ~GuardThread() {
    stop_ = true;
    thread_.join();
  }
  GuardThread(const GuardThread&) = delete;
  GuardThread& operator=(const GuardThread&) = delete;

  std::vector<app::SpaceReport::Event> events(GuardEvent::Kind kind) {
    const std::lock_guard guard(mutex_);
    auto found = events_;
    std::erase_if(found, [&](const auto& event) { return event.event.kind != kind; });
    return found;
  }
  bool was_told(GuardEvent::Kind kind, const std::string& vm) {
    for (const auto& event : events(kind))
      if (event.vm && event.vm->str() == vm) return true;
    return false;
  }

 private:
  void look(app::App& app) {
    const auto report = app.guard_space();
    const std::lock_guard guard(mutex_);
    events_.insert(events_.end(), report.events.begin(), report.events.end());
  }

  std::mutex mutex_;
  std::vector<app::SpaceReport::Event> events_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

/// What lets everybody go on, so that a test that failed ends.
inline std::function<void()> rescue;

/// A guest that writes one value from the beginning on, block by block, each acknowledged.
class Writer {
 public:
  Writer(const Path& node, Bytes size, char value)
      : thread_([this, fd = open_direct(node, O_RDWR), size, value] {
          try {
            for (Bytes at; at < size; at = at + step) {
              write_block(fd, at, value, step);
              written_ = at.count + step.count;
            }
          } catch (const std::exception& failure) {
            error_ = failure.what();
          }
          is_done_ = true;
        }) {}
  ~Writer() {
    if (!is_done_) rescue();
    thread_.join();
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  [[nodiscard]] Bytes written() const { return {written_}; }
  [[nodiscard]] bool is_done() const { return is_done_; }
  /// It writes nothing for a while, and is not through.
  [[nodiscard]] bool waits() const {
    const std::uint64_t before = written_;
    ::usleep(300'000);
    return !is_done_ && written_ == before;
  }
  /// To its end, as slow as the disk may be: as long as it goes on. Empty where nothing failed.
  std::string finish() {
    std::uint64_t before = 0;
    do before = written_;
    while (eventually([&] { return is_done() || written_ != before; }) && !is_done());
    EXPECT_TRUE(is_done()) << "at " << written_;
    return is_done_ ? error_ : "still waits";
  }

 private:
  std::atomic<std::uint64_t> written_ = 0;
  std::atomic<bool> is_done_ = false;
  std::string error_;
  std::thread thread_;
};

/// A guest in a process of its own, to be killed.
class GuestProcess {
 public:
  explicit GuestProcess(const Path& node) {
    const std::vector<std::string> words{"dd",           "if=/dev/zero", "of=" + node.native(), "bs=64k",
                                         "oflag=direct", "conv=notrunc", "status=none"};
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    if (const int error = ::posix_spawnp(&pid_, "dd", nullptr, nullptr, arguments.data(), environ);
        error != 0)
      throw Error::from_errno(error, "start dd");
  }
  ~GuestProcess() {
    if (is_gone()) return;
    kill();
    rescue();
    wait();
  }
  GuestProcess(const GuestProcess&) = delete;
  GuestProcess& operator=(const GuestProcess&) = delete;
  void kill() const { ::kill(pid_, SIGKILL); }
  [[nodiscard]] bool is_gone() {
    if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = -1;
    return pid_ < 0;
  }
  void wait() {
    ::waitpid(pid_, &status_, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  int status_ = 0;
};

class SpaceTest : public VmTest {
 protected:
  void SetUp() override {
    if (MountedFileSystem::is_possible()) file_system_.emplace("ext4", disk_size);
    VmTest::SetUp();
    if (IsSkipped()) return;
    locations_ = app::Locations{scratch() / "state", "/tmp/cowshed-space-run"};
    make_directories(scratch());
    rescue = [this] {
      give_space();
      if (app_)
        for (const auto& listed : app_->vms())
          if (listed.vm != nullptr) set(listed.name.str(), "cow_limit", "none");
    };
  }
  void TearDown() override {
    if (app_) {
      give_space();
      for (const auto& outcome : app_->stop(app_->all_vms("what runs")))
        EXPECT_FALSE(outcome.error) << outcome.error->message();
    }
    app_.reset();
    VmTest::TearDown();
    file_system_.reset();
  }

  void open(bool guards) {
    app_.reset();
    app_ = open_app(locations_, guards);
  }
  void set_up_pool() { app::set_pool(*app_, pool_name, "space_hold", std::to_string(space_hold.count)); }
  void close() { app_.reset(); }
  app::App& app() { return *app_; }
  app::Vm& vm(const std::string& name) { return app_->vm(VmName(name)); }
  pools::Volume& root_of(const std::string& name) { return vm(name).volume(root); }

  void make(app::NewVm wanted) {
    if (wanted.kind == app::VmKind::template_) wanted.volumes.sizes.emplace(root, root_size);
    for (const char* other : {"private", "volatile"})
      wanted.volumes.sizes.emplace(VolumeName(other), small_size);
    app::create_vm(*app_, std::move(wanted));
  }
  /// Written in place, all over with 'a' where `is_filled`.
  void create_template(bool is_filled) {
    make({.name = VmName("debian")});
    set_up_pool();
    set("debian", "write_policy", "in-place");
    if (!is_filled) return;
    vm("debian").start();
    EXPECT_EQ(Writer(node("debian"), root_size, 'a').finish(), "");
    vm("debian").stop();
    set("debian", "revisions_to_keep", "0");
    vm("debian").start();
    write_block(open_direct(node("debian"), O_RDWR), Bytes{0}, 'a', step);
    vm("debian").stop();
  }
  void create_app(const std::string& name) {
    make({.name = VmName(name), .kind = app::VmKind::app, .template_name = VmName("debian")});
  }
  void set(const std::string& name, const std::string& key, const std::string& value) {
    app::set_volume_property(vm(name), root_of(name), key, value);
  }
  Path node(const std::string& name) { return root_of(name).block_device()->node; }

  [[nodiscard]] Bytes available() const { return file_system_of(scratch()).available; }
  [[nodiscard]] Path ballast() const { return scratch() / "ballast"; }
  void time_passes() {
    constexpr int passes = 50;
    app().guard_space();
    const auto before = std::chrono::steady_clock::now();
    for (int i = 0; i < passes; ++i) app().guard_space();
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - before;
    fmt::print("a pass over {} devices takes {:.2f} ms\n", control().list().size(), time.count() / passes);
  }
  /// Somebody else takes space until so much is left.
  void leave(Bytes bytes) const {
    ::sync();
    const Fd file = open_file(ballast(), O_RDWR | O_CREAT);
    ASSERT_GT(available(), bytes);
    const Bytes surplus = available() - bytes;
    ASSERT_EQ(::posix_fallocate(file.get(), 0, static_cast<off_t>(surplus.count)), 0);
  }
  /// To the last block.
  void fill_up() const {
    const Fd file = open_file(scratch() / "more-ballast", O_RDWR | O_CREAT);
    for (Bytes at, length = mebibytes(1); length >= kibibytes(4);) {
      if (::fallocate(file.get(), 0, static_cast<off_t>(at.count), static_cast<off_t>(length.count)) == 0)
        at = at + length;
      else
        length = {length.count / 2};
    }
    EXPECT_LT(available(), kibibytes(64));
  }
  void give_space() const {
    unlink_if_exists(ballast());
    unlink_if_exists(scratch() / "more-ballast");
  }
  /// As its guest reads it, here and there.
  void expect_reads(const std::string& name, char value, Bytes from = Bytes{0}) {
    const Fd fd = open_direct(node(name), O_RDONLY);
    for (Bytes at = from; at < root_size; at = at + mebibytes(3))
      EXPECT_EQ(read_block(fd, at), value) << name << " at " << at.count;
  }
  Outcome cowshed(std::vector<std::string> command) const {
    const Path own = std::filesystem::read_symlink("/proc/self/exe");
    command.insert(command.begin(), own.parent_path() / "cowshed");
    return run_program(command, {{"COWSHED_STATE", locations_.state}, {"COWSHED_RUN", locations_.run}});
  }
  [[nodiscard]] const app::Locations& locations() const { return locations_; }
  bool is_held(const std::string& name) { return root_of(name).is_held(); }

 private:
  std::optional<MountedFileSystem> file_system_;
  app::Locations locations_;
  std::unique_ptr<app::App> app_;
};

}  // namespace cowshed::test
