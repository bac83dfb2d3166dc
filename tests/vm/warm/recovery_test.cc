// SPDX-License-Identifier: Apache-2.0
// Warm layers: what a process left that ended without another word.
#include "dm/device.h"
#include "support/warm_fixture.h"

namespace cowshed::test {
namespace {

using pools::Volume;

class WarmRecoveryTest : public WarmTest {
 protected:
  /// What a process leaves that ends without another word: layers that nobody keeps account of.
  void leave_warm(Volume& root, std::size_t count) {
    layers::Host other;
    pools::DriverContext context{other};
    const auto pool = pools::find_driver("file").make(
        {PoolName("test"), {{"dir_path", scratch().native()}}, std::nullopt}, context);
    const auto same = pool->volume(root.properties(), nullptr);
    ASSERT_EQ(refill(*same), count);
  }
  std::vector<std::string> recover(Volume& root, bool dry_run, Volume* app = nullptr) {
    std::vector<Volume*> volumes{&root};
    if (app != nullptr) volumes.push_back(app);
    const auto report = pool().recover(volumes, dry_run);
    EXPECT_TRUE(report.complete);
    return report.lines;
  }
};

INSTANTIATE_TEST_SUITE_P(, WarmRecoveryTest, both_policies, policy_name);

TEST_P(WarmRecoveryTest, removes_what_another_process_left_after_it_was_told) {
  auto& root = warm_origin(3);
  leave_warm(root, 3);
  const auto left = warm_devices();
  ASSERT_EQ(left.size(), 3u);
  const auto told = recover(root, true);
  EXPECT_EQ(warm_devices(), left) << "a dry run removes nothing";
  EXPECT_EQ(recover(root, false), told);
  EXPECT_TRUE(warm_devices().empty());
  EXPECT_EQ(count_views(), 0u);
  ASSERT_EQ(told.size(), 3u);
  for (const std::string& name : left)
    EXPECT_TRUE(std::ranges::any_of(told, [&](const auto& line) { return line.ends_with(name); })) << name;
}

TEST_P(WarmRecoveryTest, leaves_the_stock_of_this_very_process_alone) {
  auto& root = warm_origin(2);
  refill(root);
  EXPECT_TRUE(recover(root, true).empty());
  EXPECT_TRUE(recover(root, false).empty());
  auto& app = snapshot_of(root, "work");
  expect_holds(app, image_size, 'a');
  EXPECT_EQ(counts(root).hits, 1u);
  drop(root);
}

TEST_P(WarmRecoveryTest, leaves_alone_what_is_open) {
  auto& root = warm_origin(1);
  leave_warm(root, 1);
  const dm::DmName name(warm_devices().at(0));
  {
    const Fd held = open_direct(dm::node_of(control().info(name)->number), O_RDONLY);
    EXPECT_TRUE(recover(root, false).empty());
    EXPECT_TRUE(control().info(name).has_value());
  }
  recover(root, false);
  EXPECT_FALSE(control().info(name).has_value());
}

TEST_P(WarmRecoveryTest, removes_what_was_built_or_handed_out_by_half) {
  auto& root = warm_origin(1);
  leave_warm(root, 1);
  const layers::VolumeKey source(layers::id_of_directory(scratch()), PoolName("test"), root.properties().vid);
  const layers::VolumeKey app(layers::id_of_directory(scratch()), PoolName("test"), Vid("appvms/work/root"));
  control().set_uuid(dm::DmName(warm_devices().at(0)), app.uuid(layers::Role::snapshot, 5));
  control().create(source.warm_name(99));
  auto& work = snapshot_of(root, "work");
  EXPECT_FALSE(work.is_running()) << "it never got its name";
  EXPECT_EQ(recover(root, true, &work).size(), 2u);
  recover(root, false, &work);
  EXPECT_TRUE(control().list().empty());
}

TEST_P(WarmRecoveryTest, leaves_alone_what_only_bears_such_a_name) {
  auto& root = warm_origin(1);
  const layers::VolumeKey key(layers::id_of_directory(scratch()), PoolName("test"), root.properties().vid);
  const layers::VolumeKey other_pool(layers::id_of_directory("/"), PoolName("test"), root.properties().vid);
  const auto origin_disk = disk(mebibytes(1)), cow = disk(mebibytes(1));
  const auto snapshot = dm::whole_device(Sectors{2048}, dm::Snapshot{.origin = number_of(origin_disk),
                                                                     .cow = number_of(cow),
                                                                     .store = dm::ExceptionStore::transient,
                                                                     .chunk_size = Sectors{16}});
  const auto linear = dm::whole_device(Sectors{8}, dm::Linear{number_of(origin_disk), Sectors{0}});
  std::vector<dm::Device> others;
  const auto bring_up = [&](const dm::DmName& name, const dm::Table& table) {
    others.push_back(dm::Device::create(control(), name));
    others.back().load(table);
    others.back().resume();
  };
  bring_up(key.warm_name(97), snapshot);           // on no view of ours
  bring_up(key.warm_name(98), linear);             // another target
  bring_up(dm::DmName("COWSHED-warm-x"), linear);  // whose?
  bring_up(other_pool.warm_name(1), linear);
  EXPECT_TRUE(recover(root, true).empty());
  EXPECT_TRUE(recover(root, false).empty());
  EXPECT_EQ(warm_devices().size(), 4u);
}

}  // namespace
}  // namespace cowshed::test
