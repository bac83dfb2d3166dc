// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "layers/host.h"
#include "pools/driver_context.h"
#include "pools/plugin.h"
#include "pools/plugin_loader.h"
#include "pools/plugin_note.h"
#include "support/errors.h"

namespace cowshed::pools {
namespace {

using test::error_of;

const Path plugins = COWSHED_PLUGINS;

class PluginTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "cowshed-XXXXXX").native();
    directory_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  static void expect_refused(const Path& file, ErrorKind kind, const std::string& why) {
    const auto error = error_of([&] { load_plugin(file); });
    ASSERT_TRUE(error.has_value()) << file;
    EXPECT_EQ(error->kind(), kind) << error->message();
    EXPECT_NE(error->message().find(why), std::string::npos) << error->message();
    EXPECT_NE(error->message().find(file.native()), std::string::npos) << error->message();
  }
  Path write(const std::string& name, const std::string& content) {
    std::ofstream(directory_ / name) << content;
    return directory_ / name;
  }
  static std::string content_of(const Path& file) { return read_file(file, mebibytes(64)); }

  Path directory_;
  /// Where the agreement lies in the file.
  const std::size_t note_at_ = [] {
    const PluginAbi abi;
    return content_of(plugins / "copies.so")
        .find(std::string(reinterpret_cast<const char*>(&abi), sizeof abi));
  }();
};

TEST_F(PluginTest, the_example_is_loaded_and_its_driver_makes_pools) {
  const Driver& driver = load_plugin(plugins / "copies.so");
  EXPECT_EQ(driver.name, "copies");
  layers::Host host;
  DriverContext context{host};
  const auto parameters = check_parameters(driver, {{"dir_path", (directory_ / "pool").native()}});
  const auto pool = driver.make({PoolName("p"), parameters, std::nullopt}, context);
  pool->setup().get();
  VolumeProperties properties{.name = VolumeName("root"), .vid = Vid("vms/t/root"), .size = mebibytes(1)};
  properties.save_on_stop = true;
  const auto volume = pool->volume(properties, nullptr);
  volume->create({}).get();
  EXPECT_EQ(volume->size(), mebibytes(1));
  EXPECT_FALSE(volume->is_running());
  // Its errors are caught as ours, though they were thrown by its code.
  const auto error = error_of([&] { volume->revert(std::nullopt, nullptr).get(); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind(), ErrorKind::not_supported);
  EXPECT_NE(error->message().find("driver 'copies' cannot revert volume 'root'"), std::string::npos)
      << error->message();
  volume->remove().get();
  pool->destroy().get();
  EXPECT_FALSE(path_exists(directory_ / "pool"));
}

TEST_F(PluginTest, a_file_is_loaded_once) {
  EXPECT_EQ(&load_plugin(plugins / "copies.so"), &load_plugin(plugins / "copies.so"));
}

TEST_F(PluginTest, what_is_no_plugin_is_refused_with_the_reason) {
  expect_refused(directory_ / "none.so", ErrorKind::not_found, "No such file");
  expect_refused(write("empty.so", ""), ErrorKind::invalid_argument, "no shared object");
  expect_refused(write("text.so", std::string(4096, 'x')), ErrorKind::invalid_argument, "no shared object");
  expect_refused("/proc/self/exe", ErrorKind::invalid_argument, "COWSHED_PLUGIN");
  expect_refused(directory_, ErrorKind::invalid_argument, "is no file");
}

TEST_F(PluginTest, one_for_another_machine_is_refused) {
  std::string content = content_of(plugins / "copies.so");
  content[18] = 0x53;  // e_machine
  expect_refused(write("other.so", content), ErrorKind::invalid_argument, "another machine");
}

TEST_F(PluginTest, one_that_others_could_change_is_refused) {
  const Path file = directory_ / "copies.so";
  std::filesystem::copy_file(plugins / "copies.so", file);
  ::chmod(file.c_str(), 0666);
  expect_refused(file, ErrorKind::permission, "chmod go-w");
  ::chmod(file.c_str(), 0755);
  EXPECT_EQ(load_plugin(file).name, "copies");
}

TEST_F(PluginTest, one_of_another_version_is_refused_before_any_of_its_code_runs) {
  // Both would abort this program.
  expect_refused(plugins / "bad_other_version.so", ErrorKind::invalid_argument, "version 9");
  expect_refused(plugins / "bad_other_compiler.so", ErrorKind::invalid_argument, "another compiler");
}

TEST_F(PluginTest, one_that_does_not_load_or_describes_no_driver_is_refused) {
  expect_refused(plugins / "bad_unresolved.so", ErrorKind::invalid_argument, "does not load");
  expect_refused(plugins / "bad_no_entry.so", ErrorKind::invalid_argument, "COWSHED_PLUGIN");
  expect_refused(plugins / "bad_throws.so", ErrorKind::invalid_argument, "on purpose");
  expect_refused(plugins / "bad_no_make.so", ErrorKind::invalid_argument, "describes no driver");
  expect_refused(plugins / "bad_built_in_name.so", ErrorKind::invalid_argument, "'file'");
}

TEST_F(PluginTest, one_that_crashes_as_it_is_loaded_is_refused_by_a_trial) {
  for (const auto& [name, why] : {std::pair{"bad_aborts.so", "crashes"},
                                  {"bad_exits.so", "ends the program"},
                                  {"bad_exits_well.so", "ends the program"}}) {
    const auto error = error_of([file = plugins / name] { try_plugin(file); });
    ASSERT_TRUE(error.has_value()) << name;
    EXPECT_NE(error->message().find(why), std::string::npos) << error->message();
  }
  // What can be told without a crash is left to the loading itself.
  try_plugin(plugins / "copies.so");
  try_plugin(plugins / "bad_throws.so");
}

TEST_F(PluginTest, one_that_is_cut_off_within_its_headers_is_refused) {
  const std::string sound = content_of(plugins / "copies.so");
  for (std::size_t size = 0; size < 512; size += 8) {
    const Path file = write("cut.so", sound.substr(0, size));
    const auto error = error_of([&] { read_plugin_abi(open_file(file, O_RDONLY), file); });
    ASSERT_TRUE(error.has_value()) << size;
    EXPECT_EQ(error->kind(), ErrorKind::invalid_argument) << error->message();
  }
}

TEST_F(PluginTest, whatever_is_damaged_in_its_headers_is_refused_or_makes_no_difference) {
  const std::string sound = content_of(plugins / "copies.so");
  // The first page holds the headers and the notes.
  for (std::size_t at = 0; at < 4096; ++at) {
    std::string damaged = sound.substr(0, 4096);
    damaged[at] = static_cast<char>(~damaged[at]);
    const Path file = write("damaged.so", damaged);
    try {
      const bool is_in_note = at >= note_at_ && at < note_at_ + sizeof(PluginAbi);
      EXPECT_EQ(read_plugin_abi(open_file(file, O_RDONLY), file) == PluginAbi{}, !is_in_note) << at;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::invalid_argument) << at << ": " << error.message();
    }
  }
}

}  // namespace
}  // namespace cowshed::pools
