// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <set>
#include <string>

#include "pools/plugin_loader.h"
#include "support/file_pool_fixture.h"
#include "support/mounted_file_system.h"

namespace cowshed::test {

/// A driver, and what it lies on.
struct Subject {
  /// As the documentation's table has it.
  std::string name;
  std::function<const pools::Driver&()> driver;
  /// Empty: the VM's own scratch.
  std::string file_system;
};

inline void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.name; }

/// What every driver promises, by its capabilities alone. What a test proves of a capability is printed for
/// the documentation's table: `CONFORMS SUBJECT CAPABILITY kept|refused`.
class ConformanceTest : public FilePoolTest, public testing::WithParamInterface<Subject> {
 protected:
  using Capability = pools::Capability;
  using Properties = pools::VolumeProperties;

  /// Than `image_size`.
  static constexpr Bytes larger = mebibytes(6);

  void SetUp() override {
    if (!GetParam().file_system.empty() && MountedFileSystem::is_possible())
      file_system_.emplace(GetParam().file_system);
    FilePoolTest::SetUp();
  }
  void TearDown() override {
    FilePoolTest::TearDown();
    file_system_.reset();
  }

  [[nodiscard]] const pools::Driver& found_driver() const override { return GetParam().driver(); }
  [[nodiscard]] std::optional<pools::WritePolicy> policy() const override { return std::nullopt; }
  [[nodiscard]] bool can(Capability capability) const {
    return found_driver().capabilities.contains(capability);
  }

  // Volumes, each of a VM of its own

  Properties of_kind(const std::string& vm, bool snap_on_start, bool save_on_stop) {
    const bool is_template = save_on_stop && !snap_on_start;
    auto p =
        properties(pool().make_vid({VmName(vm), is_template, KernelName("k")}, VolumeName("root")).str());
    p.snap_on_start = snap_on_start;
    p.save_on_stop = save_on_stop;
    if (snap_on_start) p.size = {};
    return p;
  }
  Properties origin_properties(const std::string& vm = "t") { return of_kind(vm, false, true); }
  pools::Volume& make(Properties p, pools::Volume* source = nullptr) {
    pool().check(p);
    pools::Volume& volume = add(std::move(p), source);
    volume.create({}).get();
    return volume;
  }
  pools::Volume& make_origin(const std::string& vm = "t") { return make(origin_properties(vm)); }
  pools::Volume& make_snapshot(pools::Volume& source, const std::string& vm = "a") {
    return make(of_kind(vm, true, false), &source);
  }
  /// To ask for what its driver cannot do.
  pools::Volume& any_volume() {
    if (can(Capability::origin_volumes)) return make_origin();
    auto p = of_kind("any", false, false);
    p.rw = false;
    return add(std::move(p));
  }
  pools::Volume& make_volatile() { return make(of_kind("v", false, false)); }
  /// The same volume as another process would see it.
  pools::Volume& seen_by_another_process(pools::Volume& volume, pools::Volume* source = nullptr) {
    return add(volume.properties(), source);
  }

  static void discard(pools::Volume& volume) { volume.stop({.discard = true, .progress = {}}).get(); }
  static void abandon(pools::Volume& volume) { volume.abandon().get(); }
  static void expect_exports(pools::Volume& volume, Bytes size, char value) {
    const auto exported = volume.begin_export().get();
    EXPECT_EQ(exported->size(), size);
    expect_all(exported->path(), size, value);
    exported->end();
  }

  // What is proved

  void keeps(Capability capability) const { conforms(capability, "kept"); }
  /// `body` is refused, naming driver and volume.
  void expect_refused(Capability capability, const std::function<void()>& body) const {
    ASSERT_FALSE(can(capability));
    const auto error = error_of(body);
    ASSERT_TRUE(error.has_value()) << to_string(capability) << " is neither declared nor refused";
    EXPECT_EQ(error->kind(), ErrorKind::not_supported) << error->message();
    EXPECT_NE(error->message().find("driver '" + found_driver().name + "'"), std::string::npos)
        << error->message();
    EXPECT_NE(error->message().find("'root'"), std::string::npos) << error->message();
    conforms(capability, "refused");
  }
  void expect_properties_refused(Capability capability, const Properties& p) {
    expect_refused(capability, [&] { pool().check(p); });
  }

 private:
  void conforms(Capability capability, const char* how) const {
    if (HasFailure()) return;
    printf("CONFORMS|%s|%s|%s\n", GetParam().name.c_str(), std::string(to_string(capability)).c_str(), how);
    fflush(stdout);
  }

  std::optional<MountedFileSystem> file_system_;
};

/// What it promises of sessions.
class SessionConformance : public ConformanceTest {
 protected:
  Properties with(pools::WritePolicy policy) {
    auto p = origin_properties();
    p.write_policy = policy;
    return p;
  }
  /// What was written before a session was cut off is still there, and its own commit makes it the state.
  void expect_cut_off_is_continued(pools::Volume& volume) {
    commit(volume, 'a');
    fill(start(volume), image_size, 'b');
    EXPECT_TRUE(volume.is_dirty());
    abandon(volume);
    EXPECT_FALSE(volume.is_running());
    EXPECT_TRUE(volume.is_dirty());
    expect_all(start(volume), image_size, 'b');
    stop(volume);
    EXPECT_FALSE(volume.is_dirty());
    expect_holds(volume, image_size, 'b');
  }
};

}  // namespace cowshed::test
