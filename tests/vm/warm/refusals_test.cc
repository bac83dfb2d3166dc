// SPDX-License-Identifier: Apache-2.0
// Warm layers: a kernel that refuses.
#include <fmt/core.h>
#include <sys/ioctl.h>

#include "support/warm_fixture.h"

namespace cowshed::test {
namespace {

/// Passes on to the real kernel, but refuses the n-th call that counts.
class RefusingPort : public dm::IoctlPort {
 public:
  int issue(unsigned long request, void* buffer) override {
    if (request == refused_ && countdown_ > 0 && --countdown_ == 0) {
      errno = ENOMEM;
      return -1;
    }
    return real_->issue(request, buffer);
  }
  void refuse(unsigned long request, int at) {
    refused_ = request;
    countdown_ = at;
  }
  [[nodiscard]] bool has_refused() const { return countdown_ == 0; }

 private:
  std::unique_ptr<dm::IoctlPort> real_ = dm::open_control_device();
  unsigned long refused_ = 0;
  int countdown_ = 0;
};

/// A second pool over the files of the fixture's, whose calls can be refused.
struct RefusablePool {
  explicit RefusablePool(const Path& directory)
      : RefusablePool(directory, std::make_unique<RefusingPort>()) {}

  RefusingPort& port;
  layers::Host host;
  pools::DriverContext context{host};
  std::unique_ptr<pools::Pool> pool;

 private:
  RefusablePool(const Path& directory, std::unique_ptr<RefusingPort> owned)
      : port(*owned),
        host(std::move(owned)),
        pool(pools::find_driver("file").make(
            {PoolName("test"), {{"dir_path", directory.native()}}, std::nullopt}, context)) {}
};

TEST_P(WarmTest, a_kernel_that_refuses_any_call_of_a_hand_out_gets_a_cold_start_or_a_clean_error) {
  const RefusablePool refusable(scratch());
  RefusingPort& port = refusable.port;
  pools::Pool& pool = *refusable.pool;
  const auto same_root = pool.volume(warm_origin(2).properties(), nullptr);
  auto p = properties("appvms/work/root");
  p.snap_on_start = true;
  const auto app = pool.volume(p, [&] { return same_root.get(); });
  int refused = 0, started = 0;
  for (const unsigned long request : {DM_DEV_CREATE, DM_TABLE_LOAD, DM_DEV_SUSPEND, DM_DEV_RENAME,
                                      DM_DEV_REMOVE, DM_TABLE_STATUS, DM_LIST_DEVICES, DM_DEV_STATUS}) {
    for (int at = 1;; ++at) {
      SCOPED_TRACE(fmt::format("request {:#x}, call {}", request, at));
      refill(*same_root);
      ASSERT_EQ(warm_devices().size(), 2u);
      port.refuse(request, at);
      const auto refusal = error_of([&] { start(*app); });
      const bool is_hit = port.has_refused();
      port.refuse(0, 0);
      refused += refusal ? 1 : 0;
      if (!refusal) {
        ++started;
        expect_all(app->block_device()->node, image_size, 'a');
        app->stop({}).get();
      }
      pool.finish();
      EXPECT_FALSE(app->is_running());
      if (!is_hit) break;
    }
  }
  fmt::print("{} starts, {} refused\n", started, refused);
  EXPECT_GT(started, refused);
  drop(*same_root);
  EXPECT_TRUE(control().list().empty());
}

TEST_P(WarmTest, a_kernel_that_refuses_any_call_of_a_refill_leaves_nothing_half_made) {
  const RefusablePool refusable(scratch());
  RefusingPort& port = refusable.port;
  pools::Pool& pool = *refusable.pool;
  const auto same_root = pool.volume(warm_origin(2).properties(), nullptr);
  int refused = 0;
  for (const unsigned long request : {DM_DEV_CREATE, DM_TABLE_LOAD, DM_DEV_SUSPEND, DM_DEV_REMOVE,
                                      DM_TABLE_STATUS, DM_LIST_DEVICES, DM_DEV_STATUS}) {
    for (int at = 1;; ++at) {
      SCOPED_TRACE(fmt::format("request {:#x}, call {}", request, at));
      port.refuse(request, at);
      const auto refusal = error_of([&] { refill(*same_root); });
      const bool is_hit = port.has_refused();
      port.refuse(0, 0);
      refused += refusal ? 1 : 0;
      EXPECT_EQ(warm_devices().size(), counts(*same_root).ready) << "each is one that can be handed out";
      EXPECT_NO_THROW(refill(*same_root));
      EXPECT_EQ(counts(*same_root).ready, 2u);
      drop(*same_root);
      EXPECT_TRUE(control().list().empty());
      if (!is_hit) break;
    }
  }
  EXPECT_GT(refused, 5);
}

}  // namespace
}  // namespace cowshed::test
