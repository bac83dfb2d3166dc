// SPDX-License-Identifier: Apache-2.0
#include "app/default_pools.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace cowshed::app {
namespace {

const Path state("/state");
const VolumeName root("root"), data("data");

Config with_pools(std::initializer_list<std::pair<const char*, const char*>> pools) {
  Config config;
  for (const auto& [name, path] : pools) config.pools[PoolName(name)] = {"file", 1, {{"dir_path", path}}};
  return config;
}

std::string chosen(const Config& config, const VolumeName& volume) {
  return default_pool_for(config, volume, state).str();
}

TEST(DefaultPools, PropertyOfTheVolumeComesFirst) {
  auto config = with_pools({{"a", "/a"}, {"b", "/b"}, {"default", "/c"}});
  config.defaults.emplace("default_pool_root", PoolName("a"));
  config.defaults.emplace("default_pool", PoolName("b"));
  EXPECT_EQ(chosen(config, root), "a");
}

TEST(DefaultPools, ThenDefaultPool) {
  auto config = with_pools({{"b", "/b"}, {"default", "/c"}});
  config.defaults.emplace("default_pool", PoolName("b"));
  EXPECT_EQ(chosen(config, root), "b");
  EXPECT_EQ(chosen(config, data), "b");
}

TEST(DefaultPools, ThenThePoolNamedDefault) {
  EXPECT_EQ(chosen(with_pools({{"a", "/state"}, {"default", "/c"}}), root), "default");
}

TEST(DefaultPools, ThenThePoolOverTheStateDirectory) {
  EXPECT_EQ(chosen(with_pools({{"a", "/a"}, {"z", "/state/"}}), root), "z");
}

TEST(DefaultPools, ElseTheErrorSaysWhatToSet) {
  const auto error = test::error_of([] { chosen(with_pools({{"a", "/a"}}), root); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::invalid_argument);
  EXPECT_NE(error->message().find("set default_pool_root or default_pool"), std::string::npos)
      << error->message();
}

TEST(DefaultPools, ListsWhatNamesAPoolAndWhatFallsBackToIt) {
  auto config = with_pools({{"a", "/a"}, {"z", "/state"}});
  config.defaults.emplace("default_pool_root", PoolName("z"));
  config.defaults.emplace("default_pool_private", PoolName("a"));
  const auto found = defaults_leading_to(config, PoolName("z"), state);
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0], "default_pool (not set, falls back to it)");
  EXPECT_EQ(found[1], "default_pool_root");
}

TEST(DefaultPools, UnknownKeyIsRefusedWithThoseThereAre) {
  const auto error = test::error_of([] { check_default_pool_key("default_pool_rot"); });
  ASSERT_TRUE(error);
  EXPECT_NE(error->message().find("default_pool_volatile"), std::string::npos);
}

}  // namespace
}  // namespace cowshed::app
