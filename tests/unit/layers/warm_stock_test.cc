// SPDX-License-Identifier: Apache-2.0
#include "layers/warm_stock.h"

#include <gtest/gtest.h>

namespace cowshed::layers {
namespace {

const dm::DeviceNumber view{254, 1}, other_view{254, 2};
constexpr Sectors length{8};

WarmLayer layer(int loop, dm::DeviceNumber on = view, Sectors size = length) {
  return {
      dm::DmName("warm-" + std::to_string(loop)), {253, static_cast<std::uint32_t>(loop)}, loop, on, size};
}

class WarmStockTest : public testing::Test {
 protected:
  void add(WarmLayer layer) {
    stock.announce(layer.name);
    stock.add(std::move(layer));
  }
  WarmStock stock;
};

TEST_F(WarmStockTest, gives_each_layer_once_and_counts) {
  add(layer(1));
  add(layer(2));
  EXPECT_EQ(stock.missing(5), 3u);
  EXPECT_EQ(stock.missing(1), 0u);
  const auto one = stock.take(view, length), two = stock.take(view, length);
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->name, two->name);
  EXPECT_FALSE(stock.take(view, length).has_value());
  EXPECT_EQ(stock.hits(), 2u);
  EXPECT_EQ(stock.misses(), 1u);
  stock.count_failure();
  EXPECT_EQ(stock.hits(), 1u);
  EXPECT_EQ(stock.misses(), 2u);
}

TEST_F(WarmStockTest, gives_none_of_another_view_or_size) {
  add(layer(1, other_view));
  add(layer(2, view, Sectors{16}));
  EXPECT_FALSE(stock.take(view, length).has_value());
  EXPECT_EQ(stock.ready(), 2u);
}

TEST_F(WarmStockTest, gives_none_that_is_condemned_and_owns_it_until_it_is_removed) {
  add(layer(1));
  stock.condemn_all();
  EXPECT_FALSE(stock.take(view, length).has_value());
  EXPECT_EQ(stock.ready(), 0u);
  EXPECT_TRUE(stock.owns("warm-1"));
  EXPECT_TRUE(stock.has_anything());
  ASSERT_EQ(stock.condemned().size(), 1u);
  stock.removed(stock.condemned().front());
  EXPECT_FALSE(stock.owns("warm-1"));
  EXPECT_FALSE(stock.has_anything());
}

TEST_F(WarmStockTest, condemns_what_does_not_fit_or_is_too_much) {
  add(layer(1));
  add(layer(2, other_view));
  add(layer(3, view, Sectors{16}));
  add(layer(4));
  stock.condemn_others_than(view, length);
  EXPECT_EQ(stock.ready(), 2u);
  stock.condemn_surplus(2);
  EXPECT_EQ(stock.ready(), 2u);
  stock.condemn_surplus(1);
  EXPECT_EQ(stock.ready(), 1u);
  EXPECT_EQ(stock.condemned().size(), 3u);
}

TEST_F(WarmStockTest, owns_what_is_being_made) {
  stock.announce(layer(1).name);
  EXPECT_TRUE(stock.owns("warm-1"));
  EXPECT_EQ(stock.ready(), 0u);
  stock.give_up(layer(1).name);
  EXPECT_FALSE(stock.owns("warm-1"));
}

}  // namespace
}  // namespace cowshed::layers
