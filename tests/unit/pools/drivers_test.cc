// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "layers/host.h"
#include "pools/driver_context.h"
#include "pools/pool.h"
#include "support/errors.h"

namespace cowshed::pools {
namespace {

using test::error_of;
using test::expect_error;

class DriversTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "cowshed-XXXXXX").native();
    directory_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<Pool> make(const std::string& driver, std::optional<int> revisions = std::nullopt) {
    return find_driver(driver).make({PoolName("p"), {{"dir_path", directory_.native()}}, revisions},
                                    context_);
  }
  static VolumeProperties origin(const std::string& vid = "appvms/a/private") {
    VolumeProperties p{.name = VolumeName("private"), .vid = Vid(vid), .size = mebibytes(1)};
    p.save_on_stop = true;
    return p;
  }

  Path directory_;
  layers::Host host_;
  DriverContext context_{host_};
};

TEST_F(DriversTest, an_unknown_driver_is_refused_with_those_there_are) {
  const auto error = error_of([] { find_driver("zfs"); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind(), ErrorKind::not_found);
  EXPECT_NE(error->message().find("file, file-reflink, linux-kernel"), std::string::npos) << error->message();
}

TEST_F(DriversTest, parameters_are_checked_against_the_drivers_table) {
  const Driver& driver = find_driver("file");
  expect_error(ErrorKind::invalid_argument, [&] { check_parameters(driver, {}); });
  expect_error(ErrorKind::invalid_argument, [&] { check_parameters(driver, {{"dir_path", "relative"}}); });
  expect_error(ErrorKind::invalid_argument, [&] {
    check_parameters(driver, {{"dir_path", "/a"}, {"x", "y"}});
  });
  EXPECT_EQ(check_parameters(driver, {{"dir_path", "/a"}}).at("dir_path"), "/a");
}

TEST_F(DriversTest, the_file_driver_refuses_what_it_cannot_keep) {
  expect_error(ErrorKind::not_supported, [&] { make("file", 2); });
  expect_error(ErrorKind::invalid_argument, [&] { make("file", -2); });
  const auto pool = make("file");
  const auto refused = [&](ErrorKind kind, auto change) {
    VolumeProperties p = origin();
    change(p);
    expect_error(kind, [&] { pool->check(p); });
  };
  EXPECT_NO_THROW(pool->check(origin()));
  refused(ErrorKind::not_supported, [](auto& p) { p.snap_on_start = true; });
  refused(ErrorKind::invalid_argument, [](auto& p) {
    p.save_on_stop = false;
    p.warm = 1;
  });
  refused(ErrorKind::invalid_argument, [](auto& p) { p.warm = -1; });
  refused(ErrorKind::not_supported, [](auto& p) { p.revisions_to_keep = 2; });
  refused(ErrorKind::invalid_argument, [](auto& p) { p.size = Bytes{0}; });
  refused(ErrorKind::invalid_argument, [](auto& p) { p.size = Bytes{513}; });
  refused(ErrorKind::invalid_argument, [](auto& p) {
    p.save_on_stop = false;
    p.revisions_to_keep = -1;
  });
}

TEST_F(DriversTest, the_reflink_driver_keeps_any_number_of_revisions_and_refuses_what_it_cannot) {
  EXPECT_EQ(make("file-reflink", 7)->revisions_to_keep(), 7);
  EXPECT_EQ(make("file-reflink")->revisions_to_keep(), 1);
  expect_error(ErrorKind::invalid_argument, [&] { make("file-reflink", -2); });
  const auto pool = make("file-reflink");
  EXPECT_NO_THROW(pool->check(origin()));
  const auto refused = [&](ErrorKind kind, auto change) {
    VolumeProperties p = origin();
    change(p);
    expect_error(kind, [&] { pool->check(p); });
  };
  refused(ErrorKind::not_supported, [](auto& p) { p.write_policy = WritePolicy::overlay; });
  refused(ErrorKind::not_supported, [](auto& p) { p.write_policy = WritePolicy::in_place; });
  refused(ErrorKind::not_supported, [](auto& p) { p.warm = 1; });
  refused(ErrorKind::invalid_argument, [](auto& p) { p.size = Bytes{513}; });
  refused(ErrorKind::invalid_argument, [](auto& p) { p.vid = Vid("appvms/a/private-dirty"); });
  refused(ErrorKind::invalid_argument, [](auto& p) {
    p.snap_on_start = true;
    p.revisions_to_keep = -1;
  });
  VolumeProperties both = origin();
  both.snap_on_start = true;
  EXPECT_NO_THROW(pool->check(both));
}

TEST_F(DriversTest, whether_the_reflink_driver_checks_its_file_system_is_a_parameter) {
  const Driver& driver = find_driver("file-reflink");
  EXPECT_EQ(check_parameters(driver, {{"dir_path", "/a"}}).at("setup_check"), "true");
  expect_error(ErrorKind::invalid_argument, [&] {
    check_parameters(driver, {{"dir_path", "/a"}, {"setup_check", "no"}});
  });
}

TEST_F(DriversTest, a_volume_that_would_lie_among_anothers_files_is_refused) {
  for (const char* driver : {"file", "file-reflink"}) {
    const auto pool = make(driver);
    std::vector<std::string> endings{"-import"};
    if (driver == std::string("file"))
      for (const char* more : {"-cow", "-overlay", "-commit", "-commit-cow", "-promote", "-merged"})
        endings.emplace_back(more);
    else
      endings.insert(endings.end(), {"-dirty", "-precache"});
    for (const auto& ending : endings)
      expect_error(ErrorKind::invalid_argument, [&] { pool->check(origin("appvms/a/private" + ending)); });
    pool->check(origin("appvms/a/cow"));
    pool->check(origin("appvms/a-cow/private"));
  }
}

TEST_F(DriversTest, the_kernel_driver_is_read_only_and_keeps_nothing) {
  expect_error(ErrorKind::not_supported, [&] { make("linux-kernel", 1); });
  const auto pool = make("linux-kernel");
  VolumeProperties p{.name = VolumeName("kernel"), .vid = Vid("6.1"), .size = {}, .rw = false};
  EXPECT_NO_THROW(pool->check(p));
  for (const auto change :
       {+[](VolumeProperties& q) { q.rw = true; }, +[](VolumeProperties& q) { q.save_on_stop = true; },
        +[](VolumeProperties& q) { q.revisions_to_keep = 1; }}) {
    VolumeProperties q = p;
    change(q);
    expect_error(ErrorKind::not_supported, [&] { pool->check(q); });
  }
}

TEST_F(DriversTest, a_kernel_has_a_block_device_only_with_a_modules_image) {
  const auto pool = make("linux-kernel");
  const Path kernel = directory_ / "6.1";
  const auto volume =
      pool->volume({.name = VolumeName("kernel"), .vid = Vid("6.1"), .size = {}, .rw = false}, {});
  expect_error(ErrorKind::not_found, [&] { (void)volume->start().get(); });
  std::filesystem::create_directory(kernel);
  std::ofstream(kernel / "vmlinuz") << "k";
  EXPECT_EQ(volume->start().get(), std::nullopt);
  EXPECT_EQ(volume->kernel_files()->vmlinuz, kernel / "vmlinuz");
  std::ofstream(kernel / "modules.img") << "m";
  const auto device = volume->start().get();
  ASSERT_TRUE(device.has_value());
  EXPECT_EQ(device->node, kernel / "modules.img");
  EXPECT_FALSE(device->rw);
}

TEST_F(DriversTest, a_volume_is_created_once_and_from_an_image_with_its_holes) {
  const auto pool = make("file");
  const Path image = directory_ / "image";
  {
    std::ofstream out(image, std::ios::binary);
    out << std::string(4096, 'x');
  }
  std::filesystem::resize_file(image, 512 << 10);
  const auto volume = pool->volume(origin(), {});
  volume->create({.image = image}).get();
  EXPECT_EQ(volume->size(), mebibytes(1));
  EXPECT_LT(volume->usage(), kibibytes(64));
  EXPECT_EQ(read_file(volume->paths().path, mebibytes(2)).substr(0, 4097), std::string(4096, 'x') + '\0');
  expect_error(ErrorKind::exists, [&] { volume->create({}).get(); });
  volume->remove().get();
  EXPECT_FALSE(path_exists(directory_ / "appvms"));
}

TEST_F(DriversTest, a_size_that_the_file_system_cannot_hold_is_refused_and_leaves_nothing) {
  const auto pool = make("file");
  VolumeProperties p = origin();
  p.size = Bytes{(std::uint64_t{1} << 63) - 512};
  const auto volume = pool->volume(p, {});
  expect_error(ErrorKind::no_space, [&] { volume->create({}).get(); });
  EXPECT_FALSE(path_exists(directory_ / "appvms"));
}

TEST_F(DriversTest, what_a_driver_cannot_do_is_refused_naming_driver_volume_and_reason) {
  const auto pool = make("file");
  const auto volume = pool->volume(origin(), {});
  const auto error = error_of([&] { volume->promote(nullptr).get(); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind(), ErrorKind::not_supported);
  EXPECT_NE(error->message().find("driver 'file' cannot promote volume 'private'"), std::string::npos);
}

TEST_F(DriversTest, a_pools_size_is_that_of_the_file_system_under_it) {
  const auto space = std::filesystem::space(directory_);
  for (const char* driver : {"file", "linux-kernel"}) {
    const auto pool = make(driver);
    EXPECT_EQ(pool->location(), directory_);
    EXPECT_EQ(pool->size(), Bytes{space.capacity});
    EXPECT_LE(pool->usage().value(), pool->size().value());
  }
  std::filesystem::remove_all(directory_);
  expect_error(ErrorKind::not_found, [&] { static_cast<void>(make("file")->size()); });
}

TEST_F(DriversTest, a_volume_tells_its_files_and_what_they_take_by_kind_of_data) {
  const auto pool = make("file");
  const auto volume = pool->volume(origin(), {});
  volume->create({}).get();
  const Path stem = directory_ / "appvms/a/private";
  const auto put = [&](const std::string& ending, std::size_t size) {
    std::ofstream(stem.native() + ending) << std::string(size, 'x');
  };
  put(".img", 1 << 20);
  put("-cow.img", 8192);
  put("-cow.img.old", 16384);
  std::filesystem::create_hard_link(stem.native() + "-cow.img", stem.native() + "-commit.img");
  const auto blocks = [&](const std::string& ending) {
    return stat_if_exists(stem.native() + ending).value().allocated;
  };
  const auto details = volume->usage_details();
  EXPECT_EQ(details.images, blocks(".img"));
  EXPECT_EQ(details.revisions, blocks("-cow.img.old"));
  // Once, although it has two names.
  EXPECT_EQ(details.cows, blocks("-cow.img"));
  EXPECT_EQ(volume->usage(), details.images + details.cows + details.revisions);
  EXPECT_EQ(volume->stored_files().size(), 3u);
  EXPECT_TRUE(volume->is_commit_pending());
}

}  // namespace
}  // namespace cowshed::pools
