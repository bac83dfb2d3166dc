// SPDX-License-Identifier: Apache-2.0
// With udev and lvm2 about, no stop finds its device held open by a program that looks at it.
#include "support/udev_fixture.h"

namespace cowshed::test {
namespace {

TEST_F(UdevTest, NoneOfTwoHundredStopsFindsItsDeviceBusy) {
  install_rules();
  DeviceWatch watch;
  constexpr int stops = 200;
  std::vector<pools::Volume*> volumes;
  for (const auto& image : GuestImages::names()) {
    auto& root = origin_of(image);
    volumes.push_back(&root);
    volumes.push_back(&snapshot_of(root, "app-of-" + image));
  }
  for (int i = 0; i < stops;) {
    for (auto* volume : volumes) start(*volume);
    // Snapshots and their sources in turns: half of the stops leave somebody standing on the same views.
    for (auto* volume : volumes) {
      volume->stop({}).get();
      ++i;
    }
    pool().finish();
  }
  settle();
  expect_not_probed(watch);
}

}  // namespace
}  // namespace cowshed::test
