// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "app/pool_admin.h"
#include "app_fixture.h"

namespace cowshed::test {
namespace {

using PluginPoolTest = AppTest;

constexpr const char* with_plugin =
    R"({"format": 1, "pools": {"mine": {"plugin": "/nowhere/mine.so", "parameters": {}},
                               "varlib": {"driver": "file", "parameters": {"dir_path": "/x"}}}})";

TEST_F(PluginPoolTest, the_definition_of_a_pool_of_a_plugin_survives_being_written) {
  const auto config = app::decode_config(with_plugin, "cowshed.json");
  EXPECT_EQ(config.pools.at(PoolName("mine")).plugin, "/nowhere/mine.so");
  const auto again = app::decode_config(app::encode(config), "cowshed.json");
  EXPECT_EQ(again.pools.at(PoolName("mine")).plugin, "/nowhere/mine.so");
  EXPECT_EQ(again.pools.at(PoolName("varlib")).plugin, std::nullopt);
}

TEST_F(PluginPoolTest, a_pool_has_a_driver_or_a_plugin_by_its_absolute_path) {
  for (const auto& [pool, pointer] :
       {std::pair{R"({"driver": "file", "plugin": "/x.so"})", "/pools/mine/plugin"},
        {R"({"plugin": "x.so"})", "/pools/mine/plugin"},
        {R"({"plugin": 7})", "/pools/mine/plugin"},
        {R"({"parameters": {}})", "/pools/mine/driver"}}) {
    const std::string text = fmt::format(R"({{"format": 1, "pools": {{"mine": {}}}}})", pool);
    const auto error = error_of([&] { app::decode_config(text, "cowshed.json"); });
    ASSERT_TRUE(error.has_value()) << text;
    EXPECT_EQ(error->json_pointer(), pointer) << error->message();
  }
}

TEST_F(PluginPoolTest, one_that_is_not_there_names_file_and_place_and_harms_no_other_pool) {
  app();
  std::filesystem::create_directories(locations_.state);
  write(locations_.config(), with_plugin);
  reopen();
  const auto error = error_of([&] { app().pool(PoolName("mine")); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->json_pointer(), "/pools/mine/plugin");
  EXPECT_NE(error->message().find("/nowhere/mine.so"), std::string::npos) << error->message();
  EXPECT_EQ(app().pool(PoolName("varlib")).name(), PoolName("varlib"));
}

TEST_F(PluginPoolTest, a_pool_whose_plugin_has_gone_is_removed_all_the_same) {
  app();
  std::filesystem::create_directories(locations_.vms());
  write(locations_.config(), with_plugin);
  reopen();
  app::remove_pool(app(), PoolName("mine"));
  EXPECT_FALSE(app().config().pools.contains(PoolName("mine")));
  expect_error(ErrorKind::not_found, [&] { app::remove_pool(app(), PoolName("mine")); });
}

}  // namespace
}  // namespace cowshed::test
