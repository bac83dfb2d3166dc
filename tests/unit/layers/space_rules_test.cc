// SPDX-License-Identifier: Apache-2.0
#include "layers/space_rules.h"

#include <gtest/gtest.h>

namespace cowshed::layers {
namespace {

const SpaceMarks marks = SpaceMarks::of(gibibytes(100), std::nullopt);

Space with_free(Bytes available) { return {available, marks}; }
const Space plenty = with_free(gibibytes(50));

Session session_of(Bytes written, Bytes growth = {}) { return {.written = written, .growth = growth}; }
Session limited(Bytes written, Bytes limit) { return {.written = written, .growth = {}, .cow_limit = limit}; }
Session copying(Bytes ahead) { return {.written = {}, .growth = {}, .cow_limit = {}, .ahead = ahead}; }

TEST(SpaceMarks, are_a_part_of_a_small_file_system_and_bounded_of_a_large_one) {
  EXPECT_EQ(marks.low, gibibytes(1));
  EXPECT_EQ(marks.critical, mebibytes(256));
  EXPECT_EQ(SpaceMarks::of(gibibytes(4), std::nullopt).low, mebibytes(256));
  EXPECT_EQ(SpaceMarks::of(gibibytes(4), mebibytes(100)).low, mebibytes(100));
}

TEST(SpaceMarks, the_fastest_disk_does_not_get_from_critical_to_full_between_two_looks) {
  const Bytes written{fastest_per_second.count / 1000 *
                      static_cast<std::uint64_t>(shortest_interval.count())};
  EXPECT_LT(written, marks.critical);
}

TEST(WhyHold, nothing_while_there_is_plenty) {
  EXPECT_FALSE(why_hold(session_of(gibibytes(9), gibibytes(1)), plenty));
  EXPECT_FALSE(why_hold(limited(mebibytes(100), mebibytes(200)), plenty));
  EXPECT_FALSE(why_hold(copying(marks.ahead()), plenty));
}

TEST(WhyHold, a_session_is_held_before_its_limit_not_behind) {
  const Bytes limit = mebibytes(160);
  EXPECT_EQ(hold_point(limit), mebibytes(150));
  EXPECT_FALSE(why_hold(limited(mebibytes(150) - Bytes{512}, limit), plenty));
  const auto hold = why_hold(limited(mebibytes(150), limit), plenty);
  ASSERT_TRUE(hold);
  EXPECT_EQ(hold->reason, HoldReason::cow_limit);
  EXPECT_FALSE(may_go_on(*hold, limited(mebibytes(150), limit), plenty));
  EXPECT_TRUE(may_go_on(*hold, limited(mebibytes(150), limit * 2), plenty));
  EXPECT_TRUE(may_go_on(*hold, session_of(mebibytes(150)), plenty)) << "the limit is unset";
}

TEST(WhyHold, the_lead_before_a_large_limit_is_bounded) {
  EXPECT_EQ(hold_point(gibibytes(100)), gibibytes(100) - mebibytes(64));
}

TEST(WhyHold, below_the_mark_who_grows_is_held_and_who_hardly_does_is_not) {
  const Space space = with_free(mebibytes(900));
  const auto hold = why_hold(session_of({}, mebibytes(100)), space);
  ASSERT_TRUE(hold);
  EXPECT_EQ(hold->reason, HoldReason::low_space);
  EXPECT_TRUE(hold->has_grown);
  EXPECT_FALSE(why_hold(session_of({}, mebibytes(1)), space));
}

TEST(WhyHold, the_less_is_left_the_less_one_may_grow) {
  Bytes before{~std::uint64_t{0}};
  for (unsigned left = 1023; left > 256; left -= 59) {
    const Bytes now = marks.allowance(mebibytes(left));
    EXPECT_LT(now, before);
    before = now;
  }
  EXPECT_EQ(marks.allowance(marks.critical), Bytes{});
}

TEST(WhyHold, below_the_critical_mark_everybody_is_held) {
  const auto hold = why_hold(session_of({}), with_free(marks.critical - Bytes{1}));
  ASSERT_TRUE(hold);
  EXPECT_FALSE(hold->has_grown);
}

TEST(WhyHold, a_session_in_place_is_held_while_half_of_what_is_set_aside_is_left) {
  EXPECT_FALSE(why_hold(copying({marks.ahead().count / 2}), plenty));
  const auto hold = why_hold(copying({marks.ahead().count / 2 - 1}), plenty);
  ASSERT_TRUE(hold);
  EXPECT_EQ(hold->reason, HoldReason::copies);
}

TEST(MayGoOn, bystanders_go_on_before_those_that_filled_it) {
  const Hold bystander{HoldReason::low_space, false}, filler{HoldReason::low_space, true};
  const Space some = with_free(marks.critical * 2), more = with_free(mebibytes(1280));
  EXPECT_TRUE(may_go_on(bystander, session_of({}), some));
  EXPECT_FALSE(may_go_on(filler, session_of({}), some));
  EXPECT_FALSE(may_go_on(filler, session_of({}), with_free(marks.low))) << "they would take turns";
  EXPECT_TRUE(may_go_on(filler, session_of({}), more));
}

TEST(MayGoOn, what_was_found_held_waits_for_whatever_may_have_been_the_reason) {
  const Hold inherited{HoldReason::inherited};
  EXPECT_FALSE(may_go_on(inherited, session_of({}), with_free(marks.low)));
  EXPECT_FALSE(may_go_on(inherited, limited(mebibytes(10), mebibytes(10)), plenty));
  EXPECT_FALSE(may_go_on(inherited, copying({}), plenty));
  EXPECT_TRUE(may_go_on(inherited, session_of({}), plenty));
}

TEST(UntilNextLook, is_short_where_something_may_happen_and_bounded) {
  EXPECT_EQ(until_next_look(with_free({})), shortest_interval);
  EXPECT_EQ(until_next_look(plenty), longest_interval);
  EXPECT_EQ(until_next_look(with_free(gibibytes(2))), std::chrono::milliseconds(500));
}

}  // namespace
}  // namespace cowshed::layers
