// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "layers/host.h"
#include "layers/inventory.h"
#include "pools/driver_context.h"
#include "pools/pool.h"
#include "support/errors.h"
#include "support/vm_fixture.h"

namespace cowshed::test {

inline constexpr Bytes first_block{0};
inline constexpr Bytes far_block = mebibytes(2);

/// A pool of the `file` driver, or another one, in scratch(), without the app above it.
class FilePoolTest : public VmTest {
 protected:
  /// No whole number of chunks of any layer.
  static constexpr Bytes image_size{(4u << 20) + 512 * 3};

  void SetUp() override {
    VmTest::SetUp();
    if (IsSkipped()) return;
    host_ = make_host();
    context_ = std::make_unique<pools::DriverContext>(pools::DriverContext{*host_});
    auto given = parameters();
    given.emplace("dir_path", scratch().native());
    pool_ = make_pool(found_driver(), given);
    pool_->setup().get();
  }

  void TearDown() override {
    for (auto& volume : volumes_)
      if (volume->is_running()) volume->abandon().get();
    volumes_.clear();
    pool_.reset();
    host_.reset();
    VmTest::TearDown();
  }

  virtual std::unique_ptr<layers::Host> make_host() { return std::make_unique<layers::Host>(); }
  [[nodiscard]] virtual std::string driver() const { return "file"; }
  /// Another than a built-in one, too.
  [[nodiscard]] virtual const pools::Driver& found_driver() const { return pools::find_driver(driver()); }
  /// Beside dir_path.
  [[nodiscard]] virtual pools::Parameters parameters() const { return {}; }
  /// Of the origin volumes.
  [[nodiscard]] virtual std::optional<pools::WritePolicy> policy() const {
    return pools::WritePolicy::in_place;
  }
  std::unique_ptr<pools::Pool> make_pool(const pools::Driver& driver, const pools::Parameters& parameters) {
    return driver.make({PoolName("test"), parameters, std::nullopt}, *context_);
  }

  pools::VolumeProperties properties(const std::string& vid) {
    return {.name = VolumeName("root"), .vid = Vid(vid), .size = image_size};
  }
  pools::Volume& add(pools::VolumeProperties properties, pools::Volume* source = nullptr) {
    volumes_.push_back(pool_->volume(std::move(properties), [source] { return source; }));
    return *volumes_.back();
  }
  pools::Volume& origin(const std::string& name, std::optional<int> revisions = std::nullopt) {
    auto p = properties("vm-templates/" + name + "/root");
    p.save_on_stop = true;
    p.revisions_to_keep = revisions;
    p.write_policy = policy();
    pools::Volume& volume = add(p);
    volume.create({}).get();
    return volume;
  }
  pools::Volume& snapshot_of(pools::Volume& source, const std::string& name) {
    auto p = properties("appvms/" + name + "/root");
    p.snap_on_start = true;
    return add(p, &source);
  }

  static Path start(pools::Volume& volume) { return volume.start().get().value().node; }
  void stop(pools::Volume& volume) {
    volume.stop({}).get();
    pool_->finish();
  }
  static void put(const Path& node, Bytes at, char value) {
    write_block(open_direct(node, O_RDWR), at, value);
  }
  static char get(const Path& node, Bytes at) { return read_block(open_direct(node, O_RDONLY), at); }

  /// Writes one value over all of the volume, in a session of its own.
  void commit(pools::Volume& volume, char value) {
    fill(start(volume), volume.size(), value);
    stop(volume);
  }
  static void fill(const Path& node, Bytes size, char value) {
    const Fd fd = open_direct(node, O_RDWR);
    for (Bytes at; at < size;) {
      const Bytes length = std::min(kibibytes(64), size - at);
      write_block(fd, at, value, length);
      at = at + length;
    }
  }
  /// Every byte, past the page cache, and no byte more.
  static void expect_all(const Path& node, Bytes size, char value) {
    EXPECT_EQ(size_of(node), size);
    const Fd fd = open_direct(node, O_RDONLY);
    for (Bytes at; at < size;) {
      const Bytes length = std::min(kibibytes(64), size - at);
      ASSERT_EQ(read_block(fd, at, length), value) << "at " << at.count;
      at = at + length;
    }
  }
  /// What its next session shows.
  void expect_holds(pools::Volume& volume, Bytes size, char value) {
    EXPECT_EQ(volume.size(), size);
    expect_all(start(volume), size, value);
    stop(volume);
  }
  static Bytes size_of(const Path& node) {
    const off_t end = ::lseek(open_file(node, O_RDONLY).get(), 0, SEEK_END);
    return {static_cast<std::uint64_t>(end)};
  }
  /// A file of one value.
  [[nodiscard]] Path file_of(const std::string& name, Bytes size, char value) const {
    Path file = scratch() / name;
    write_all(open_file(file, O_WRONLY | O_CREAT | O_EXCL), std::string(size.count, value), file);
    return file;
  }

  /// What the kernel has of the pool's views.
  std::size_t count_views() {
    const auto devices = layers::list_devices(control(), "COWSHED-");
    return static_cast<std::size_t>(
        std::ranges::count(devices, layers::Role::view, &layers::OurDevice::role));
  }

  layers::Host& host() { return *host_; }
  pools::Pool& pool() { return *pool_; }

 private:
  std::unique_ptr<layers::Host> host_;
  std::unique_ptr<pools::DriverContext> context_;
  std::unique_ptr<pools::Pool> pool_;
  std::vector<std::unique_ptr<pools::Volume>> volumes_;
};

/// What is promised whatever the write policy.
class EitherPolicyTest : public FilePoolTest, public testing::WithParamInterface<pools::WritePolicy> {
 protected:
  [[nodiscard]] std::optional<pools::WritePolicy> policy() const override { return GetParam(); }
};

inline const auto both_policies = testing::Values(pools::WritePolicy::in_place, pools::WritePolicy::overlay);
inline std::string policy_name(const testing::TestParamInfo<pools::WritePolicy>& info) {
  return info.param == pools::WritePolicy::overlay ? "overlay" : "in_place";
}

}  // namespace cowshed::test
