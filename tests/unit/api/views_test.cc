// SPDX-License-Identifier: Apache-2.0
// What tree, status and the pools' commands answer, over drivers that keep everything in memory.
#include <nlohmann/json.hpp>

#include "api/json.h"
#include "api/local.h"
#include "unit/app/app_fixture.h"

namespace cowshed::api {
namespace {

using nlohmann::json;

class ViewsTest : public test::AppTest {
 protected:
  ~ViewsTest() override { app_.reset(); }
  /// What a process that only reads gets to see.
  template <typename Request>
  typename Request::Answer ask(const Request& request) {
    app_.reset();
    return Local(options()).call(request);
  }
  void add_pool(const std::string& name, const Path& directory, const std::string& driver = "file") {
    std::filesystem::create_directories(directory);
    app_.reset();
    PoolAdd request;
    request.pool = name;
    request.driver = driver;
    request.parameters = {{"dir_path", directory.native()}};
    Local(options()).call(request);
  }
  PoolInfo pool(const std::string& name) { return ask(PoolInfoRequest{.pool = name}); }

  static const LayerInfo& layer(const Tree::Answer& tree, const std::string& device) {
    for (const auto& vm : tree)
      for (const auto& volume : vm.volumes)
        for (const auto& layer : volume.layers)
          if (layer.device == device) return layer;
    throw std::out_of_range(device);
  }
  /// Two views of t:root; work:root stands on the older one.
  void put_views() {
    create_three();
    pools::Layer newest{.role = "view", .device = "view3", .node = "/dev/dm-3", .file = {}};
    newest.size = mebibytes(1);
    newest.stands_on = {"loop1"};
    pools::Layer older = newest;
    older.device = "view2";
    older.stands_on = {"view3", "loop2"};
    world_.layers["varlib/vm-templates/t/root"] = {newest, older};
    pools::Layer snapshot = older;
    snapshot.device = "snapshot";
    snapshot.stands_on = {"view2", "loop3"};
    world_.layers["varlib/appvms/work/root"] = {snapshot};
  }
};

TEST_F(ViewsTest, WhoStandsOnALayerOfAnotherVolumeSharesIt) {
  put_views();
  const auto tree = ask(Tree{});
  EXPECT_EQ(layer(tree, "view2").shared_by, std::vector<std::string>{"work:root"});
  // That the older view stands on it is the volume's own affair.
  EXPECT_TRUE(layer(tree, "view3").shared_by.empty());
}

TEST_F(ViewsTest, TheTreeOfOneVmNamesThoseOnItAllTheSame) {
  put_views();
  const auto tree = ask(Tree{.vm = "t"});
  ASSERT_EQ(tree.size(), 1u);
  EXPECT_EQ(layer(tree, "view2").shared_by, std::vector<std::string>{"work:root"});
}

TEST_F(ViewsTest, AQuestionThatFailsLeavesTheRestAnsweredAndSaysWhere) {
  create_three();
  world_.silent.emplace("usage appvms/work/private", Error(ErrorKind::corrupt_image, "broken", 5));
  const auto volumes = ask(VolumeList{});
  EXPECT_EQ(volumes.size(), 9u);
  std::size_t errors = 0;
  for (const auto& volume : volumes) {
    if (!volume.error) continue;
    ++errors;
    EXPECT_EQ(volume.error->message(), "vm 'work': volume 'private': broken");
    EXPECT_TRUE(volume.size);
    EXPECT_FALSE(volume.usage);
  }
  EXPECT_EQ(errors, 1u);
}

TEST_F(ViewsTest, ABrokenPoolDoesNotStopTheOthers) {
  create_three();
  add_pool("other", directory_ / "other");
  world_.silent.emplace("size varlib", Error(ErrorKind::not_found, "gone"));
  const auto pools = ask(PoolList{});
  ASSERT_EQ(pools.size(), 3u);
  EXPECT_EQ(pools[1].name, "other");
  EXPECT_EQ(pools[1].size, gibibytes(10));
  EXPECT_FALSE(pools[1].error);
  EXPECT_EQ(pools[2].error->message(), "pool 'varlib': gone");
  const auto status = ask(Status{});
  ASSERT_EQ(status.errors.size(), 1u);
  EXPECT_EQ(status.errors[0].message(), "pool 'varlib': gone; is its file system mounted?");
  EXPECT_EQ(status.vms, 3u);
}

TEST_F(ViewsTest, AnUnreadableDefinitionDoesNotStopTheOthers) {
  create_three();
  app_.reset();
  write(locations_.vm(VmName("work")), "{");
  const auto tree = ask(Tree{});
  ASSERT_EQ(tree.size(), 3u);
  EXPECT_EQ(tree[1].volumes.size(), 3u);
  // d is built on it.
  EXPECT_TRUE(tree[0].error);
  EXPECT_FALSE(tree[1].error);
  EXPECT_TRUE(tree[2].error);
  EXPECT_EQ(ask(Status{}).unreadable, 2u);
  const auto info = pool("varlib");
  EXPECT_EQ(info.volumes.size(), 6u);
  EXPECT_TRUE(info.error);
}

TEST_F(ViewsTest, StatusCountsWhatNeedsAHandAndSaysWhatToDo) {
  create_three();
  vm("work").start();
  world_.dirty = {"varlib/vm-templates/t/root", "varlib/appvms/work/private"};
  world_.outdated = {"varlib/appvms/work/root"};
  world_.pending = {"varlib/vm-templates/t/private"};
  const auto status = ask(Status{});
  EXPECT_EQ(status.running_vms, std::vector<std::string>{"work"});
  EXPECT_EQ(status.dirty, 2u);
  EXPECT_EQ(status.outdated, 1u);
  EXPECT_EQ(status.commit_pending, 1u);
  std::map<std::string, std::string> next;
  for (const auto& item : status.attention) next[item.about] = item.next;
  // Not that a running volume has been written.
  EXPECT_EQ(next.size(), 3u);
  EXPECT_EQ(next["volume 't:root'"], "cowshed vm start t goes on with it");
  EXPECT_EQ(next["volume 't:private'"], "cowshed recover finishes it");
  EXPECT_NE(next["volume 'work:root'"].find("cowshed vm stop work"), std::string::npos);
}

TEST_F(ViewsTest, ANearlyFullPoolIsWorthALook) {
  create_three();
  world_.pool_usage = {world_.pool_size.count * 89 / 100};
  EXPECT_TRUE(ask(Status{}).attention.empty());
  world_.pool_usage = {world_.pool_size.count * 95 / 100};
  const auto attention = ask(Status{}).attention;
  ASSERT_FALSE(attention.empty());
  EXPECT_EQ(attention.back().message, "is 95 % full");
}

TEST_F(ViewsTest, APoolInAnothersDirectoryIsToldSo) {
  create("t");
  add_pool("inner", locations_.state / "deeper/inner");
  add_pool("innermost", locations_.state / "deeper/inner/most");
  add_pool("beside", locations_.state.native() + "-beside");
  EXPECT_EQ(pool("inner").included_in, "varlib");
  // The nearest.
  EXPECT_EQ(pool("innermost").included_in, "inner");
  EXPECT_EQ(pool("varlib").included_in, std::nullopt);
  // Its name alone begins alike.
  EXPECT_EQ(pool("beside").included_in, std::nullopt);
  const std::vector<std::string> others{"inner", "innermost", "varlib"};
  EXPECT_EQ(pool("beside").shares_space_with, others);
}

TEST_F(ViewsTest, OfTwoPoolsOverOneDirectoryOneHoldsTheOther) {
  create("t");
  add_pool("a", directory_ / "same");
  add_pool("b", directory_ / "same", "linux-kernel");
  EXPECT_EQ(pool("a").included_in, std::nullopt);
  EXPECT_EQ(pool("b").included_in, "a");
}

TEST_F(ViewsTest, WhatVolumesTakeIsSummedByKindOfData) {
  create_three();
  using pools::DataKind;
  world_.files["varlib/vm-templates/t/root"] = {
      {DataKind::image, "root.img", {1000}}, {DataKind::cow, "a", {200}}, {DataKind::revision, "b", {30}}};
  world_.files["varlib/appvms/work/private"] = {{DataKind::image, "p", {4}}};
  world_.files["varlib/appvms/work/volatile"] = {{DataKind::volatile_, "v", {7}}};
  const auto details = json::parse(to_json(pool("varlib"))).at("usage_details");
  EXPECT_EQ(details.at("images"), 1004);
  EXPECT_EQ(details.at("cows"), 200);
  EXPECT_EQ(details.at("revisions"), 30);
  EXPECT_EQ(details.at("volatile"), 7);
  EXPECT_EQ(details.at("data_size"), gibibytes(10).count);
  EXPECT_EQ(details.at("data_usage"), gibibytes(1).count);
}

}  // namespace
}  // namespace cowshed::api
