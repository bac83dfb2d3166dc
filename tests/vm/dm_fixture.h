// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dm/device.h"
#include "support/errors.h"
#include "support/libdm.h"
#include "support/vm_fixture.h"

namespace cowshed::dm {

// Found by ADL, so that gtest compares and prints them.
inline bool operator==(const RawLine& a, const RawLine& b) {
  return a.start == b.start && a.length == b.length && a.type == b.type && a.params == b.params;
}
inline void PrintTo(const RawLine& line, std::ostream* out) {
  *out << line.start.count << ' ' << line.length.count << ' ' << line.type << ' ' << line.params;
}

inline const DmName name{"COWSHED-test"};
inline const DmUuid uuid{"COWSHED-test-uuid"};

// A major number without a driver. (A loop device that is not there would be: opening its number makes it.)
inline constexpr DeviceNumber nowhere{4095, 0};

class DmTest : public test::VmTest {
 protected:
  static constexpr Sectors disk_size{2048};

  loop::Loop small_disk() { return disk(to_bytes(disk_size)); }
  static Table linear_to(const loop::Loop& loop, Sectors length = disk_size, Sectors offset = {0}) {
    return whole_device(length, Linear{number_of(loop), offset});
  }
  Device bring_up(const Table& table, bool read_only = false) {
    return Device::bring_up(control(), name, uuid, table, read_only);
  }
  Device bring_up(const std::string& suffix, const Table& table, bool read_only = false) {
    return Device::bring_up(control(), DmName(name.str() + suffix), DmUuid(uuid.str() + suffix), table,
                            read_only);
  }
  DeviceInfo info() { return control().info(uuid).value(); }

  /// Every way of asking about `name` says the same through us and through libdevmapper.
  void expect_agreement(const DmName& device = name) {
    const DeviceInfo ours = control().info(device).value();
    const DeviceInfo theirs = test::libdm::info(device.str()).value();
    EXPECT_EQ(ours.name, theirs.name);
    EXPECT_EQ(ours.uuid, theirs.uuid);
    EXPECT_EQ(ours.number, theirs.number);
    EXPECT_EQ(ours.open_count, theirs.open_count);
    EXPECT_EQ(ours.event_number, theirs.event_number);
    EXPECT_EQ(ours.target_count, theirs.target_count);
    EXPECT_EQ(ours.suspended, theirs.suspended);
    EXPECT_EQ(ours.read_only, theirs.read_only);
    EXPECT_EQ(ours.has_live_table, theirs.has_live_table);
    EXPECT_EQ(ours.has_inactive_table, theirs.has_inactive_table);
    EXPECT_EQ(ours.deferred_remove, theirs.deferred_remove);
    for (const Slot slot : {Slot::live, Slot::inactive}) {
      EXPECT_EQ(control().table(device, slot), test::libdm::table(device.str(), slot));
      EXPECT_EQ(control().status(device, slot), test::libdm::status(device.str(), slot));
      EXPECT_EQ(control().deps(device, slot), test::libdm::deps(device.str(), slot));
    }
  }

  /// Loads `target`, brings it up and expects the kernel to print what we sent.
  void expect_round_trip(const std::string& suffix, Sectors length, const Target& target) {
    const Device device = bring_up(suffix, whole_device(length, target));
    const auto lines = control().table(device.number());
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0].length, length);
    EXPECT_EQ(parse_target(lines[0].type, lines[0].params), target) << lines[0].params;
    expect_agreement(DmName(name.str() + suffix));
  }
};

}  // namespace cowshed::dm
