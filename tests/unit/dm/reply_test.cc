// SPDX-License-Identifier: Apache-2.0
#include "dm/reply.h"

#include <gtest/gtest.h>

#include <random>

#include "fake_kernel.h"
#include "support/errors.h"
#include "support/seed.h"

namespace cowshed::dm {
namespace {

using test::between;
using test::expect_error;
using test::name_entry;
using test::target_entry;
using test::wire;

std::string two_names() {
  return name_entry(0xfe00, "first", "COWSHED-1", 7, false) + name_entry(0xfe01, "second", "", 9, true);
}

std::string two_targets() {
  const std::string first = target_entry(0, 0, 8, "linear", "7:1 0");
  return first + target_entry(first.size(), 8, 16, "zero", "");
}

std::string two_versions() {
  std::string first = wire(std::uint32_t{32}) + wire(std::array<std::uint32_t, 3>{1, 2, 3}) + "linear" + '\0';
  first.resize(32);
  return first + wire(std::uint32_t{0}) + wire(std::array<std::uint32_t, 3>{4, 5, 6}) + "zero" + '\0';
}

std::string two_deps() {
  return wire(std::uint32_t{2}) + wire(std::uint32_t{0}) + wire(std::uint64_t{0x701}) +
         wire(std::uint64_t{0xfe05});
}

void parse_all(std::string_view payload, std::uint32_t count) {
  const auto tolerate_refusal = [](auto&& parse) {
    if (const auto error = test::error_of(parse)) {
      EXPECT_EQ(error->kind(), ErrorKind::kernel_refused);
    }
  };
  tolerate_refusal([&] { parse_name_list(payload, true); });
  tolerate_refusal([&] { parse_name_list(payload, false); });
  tolerate_refusal([&] { parse_target_versions(payload); });
  tolerate_refusal([&] { parse_target_specs(payload, count); });
  tolerate_refusal([&] { parse_deps(payload); });
  tolerate_refusal([&] { parse_message_answer(payload); });
}

TEST(NameList, HoldsNamesNumbersUuidsAndEvents) {
  const auto entries = parse_name_list(two_names(), true);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].number, (DeviceNumber{254, 0}));
  EXPECT_EQ(entries[0].name, "first");
  EXPECT_EQ(entries[0].uuid, "COWSHED-1");
  EXPECT_EQ(entries[0].event_number, 7u);
  EXPECT_EQ(entries[1].name, "second");
  EXPECT_EQ(entries[1].uuid, "");
  EXPECT_EQ(entries[1].event_number, 9u);
}

TEST(NameList, IsEmptyWithoutDevices) {
  EXPECT_TRUE(parse_name_list("", true).empty());
  EXPECT_TRUE(parse_name_list(std::string(16, '\0'), true).empty());
}

TEST(NameList, RefusesEntriesThatAreCutOffAnywhere) {
  const std::string whole = two_names();
  // Event number and flags end the last entry, so every cut takes something away.
  for (std::size_t size = 1; size < whole.size(); ++size)
    expect_error(ErrorKind::kernel_refused, [&] { parse_name_list(whole.substr(0, size), true); });
}

TEST(NameList, RefusesNextThatLeadsOutside) {
  for (const std::uint32_t next : {1u, 11u, 13u, 4096u, 0x7fffffffu, 0xffffffffu}) {
    std::string payload = two_names();
    payload.replace(8, 4, wire(next));
    expect_error(ErrorKind::kernel_refused, [&] { parse_name_list(payload, true); });
  }
}

TEST(NameList, RefusesEntryThatDoesNotSayWhetherItHasAUuid) {
  expect_error(ErrorKind::kernel_refused,
               [] { parse_name_list(name_entry(0xfe00, "x", "u", 0, true, false), true); });
  EXPECT_EQ(parse_name_list(name_entry(0xfe00, "x", "u", 0, true, false), false).size(), 1u);
}

TEST(TargetSpecs, HoldEveryLineOfATable) {
  const auto lines = parse_target_specs(two_targets(), 2);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].type, "linear");
  EXPECT_EQ(lines[0].params, "7:1 0");
  EXPECT_EQ(lines[1].start, Sectors{8});
  EXPECT_EQ(lines[1].length, Sectors{16});
  EXPECT_EQ(lines[1].params, "");
}

TEST(TargetSpecs, RefuseMoreTargetsThanThereAre) {
  expect_error(ErrorKind::kernel_refused, [] { parse_target_specs(two_targets(), 3); });
  expect_error(ErrorKind::kernel_refused, [] { parse_target_specs(two_targets(), 0xffffffff); });
  expect_error(ErrorKind::kernel_refused, [] { parse_target_specs("", 1); });
}

TEST(TargetSpecs, RefuseNextThatDoesNotAdvanceOrLeadsOutside) {
  for (const std::uint32_t next : {0u, 1u, 39u, 40u, 4096u, 0xffffffffu}) {
    std::string payload = two_targets();
    payload.replace(offsetof(dm_target_spec, next), 4, wire(next));
    expect_error(ErrorKind::kernel_refused, [&] { parse_target_specs(payload, 2); });
  }
}

TEST(TargetSpecs, RefuseTypeOrParametersWithoutAnEnd) {
  std::string payload = two_targets();
  payload.replace(offsetof(dm_target_spec, target_type), DM_MAX_TYPE_NAME,
                  std::string(DM_MAX_TYPE_NAME, 'x'));
  expect_error(ErrorKind::kernel_refused, [&] { parse_target_specs(payload, 2); });
  const std::string endless = two_targets().substr(0, sizeof(dm_target_spec)) + "7:1 0";
  expect_error(ErrorKind::kernel_refused, [&] { parse_target_specs(endless, 1); });
}

TEST(TargetVersions, HoldNamesAndNumbers) {
  const auto versions = parse_target_versions(two_versions());
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0].name, "linear");
  EXPECT_EQ(versions[1].name, "zero");
  EXPECT_EQ(versions[1].version, (Version{4, 5, 6}));
}

TEST(TargetVersions, RefuseEntriesThatAreCutOffAnywhere) {
  const std::string whole = two_versions();
  for (std::size_t size = 1; size < whole.size(); ++size)
    expect_error(ErrorKind::kernel_refused, [&] { parse_target_versions(whole.substr(0, size)); });
}

TEST(Deps, HoldDeviceNumbers) {
  EXPECT_EQ(parse_deps(two_deps()), (std::vector<DeviceNumber>{{7, 1}, {254, 5}}));
  EXPECT_TRUE(parse_deps("").empty());
}

TEST(Deps, RefuseMoreThanThereAre) {
  std::string payload = two_deps();
  payload.replace(0, 4, wire(std::uint32_t{3}));
  expect_error(ErrorKind::kernel_refused, [&] { parse_deps(payload); });
  payload.replace(0, 4, wire(std::uint32_t{0xffffffff}));
  expect_error(ErrorKind::kernel_refused, [&] { parse_deps(payload); });
}

TEST(MessageAnswer, RefusesTextWithoutAnEnd) {
  EXPECT_EQ(parse_message_answer(std::string("ok\0junk", 7)), "ok");
  expect_error(ErrorKind::kernel_refused, [] { parse_message_answer("ok"); });
}

TEST(Replies, NoDamageLeadsOutsideTheBuffer) {
  std::mt19937_64 random(test::seed());
  const std::array honest = {two_names(), two_targets(), two_versions(), two_deps()};
  for (int i = 0; i < 50000; ++i) {
    std::string payload = honest[between(random, 0, honest.size() - 1)];
    for (std::uint64_t hits = between(random, 1, 4); hits > 0; --hits)
      payload[between(random, 0, payload.size() - 1)] = static_cast<char>(random());
    payload.resize(between(random, 0, payload.size()));
    // Exactly sized on the heap, so that AddressSanitizer sees one byte too many.
    const std::vector<char> exact(payload.begin(), payload.end());
    parse_all({exact.data(), exact.size()}, static_cast<std::uint32_t>(between(random, 0, 5)));
  }
}

}  // namespace
}  // namespace cowshed::dm
