// SPDX-License-Identifier: Apache-2.0
#include "dm/targets.h"

#include <gtest/gtest.h>

#include <random>

#include "support/errors.h"
#include "support/seed.h"

namespace cowshed::dm {
namespace {

using test::between;
using test::expect_error;

constexpr DeviceNumber a{7, 1};
constexpr DeviceNumber b{254, 300};

/// Draws targets with any values that the kernel could print.
class TargetMaker {
 public:
  explicit TargetMaker(std::uint64_t seed) : random_(seed) {}

  Target draw() {
    switch (between(random_, 0, 8)) {
      case 0:
        return Linear{device(), sectors()};
      case 1:
        return Zero{};
      case 2:
        return ErrorTarget{};
      case 3:
        return Snapshot{device(), device(), store(), sectors(), coin(), coin()};
      case 4:
        return SnapshotOrigin{device()};
      case 5:
        return SnapshotMerge{device(), device(), store(), sectors()};
      case 6:
        return Crypt{word(), SecretText(word()), number(), device(), sectors(), words()};
      case 7:
        return ThinPool{device(), device(), sectors(), number(), words()};
      default:
        return thin();
    }
  }

  /// Text as a broken kernel or another target might print it.
  std::string garbage() {
    static constexpr std::string_view alphabet = "0123456789:/ NPO-abcdiscard_zeroes_cow\n\t\xff";
    std::string text(between(random_, 0, 60), ' ');
    for (char& c : text) c = alphabet[between(random_, 0, alphabet.size() - 1)];
    return text;
  }

 private:
  bool coin() { return between(random_, 0, 1) == 1; }
  std::uint64_t number() { return random_(); }
  Sectors sectors() { return {random_()}; }
  DeviceNumber device() {
    return {static_cast<std::uint32_t>(between(random_, 0, 0xfff)),
            static_cast<std::uint32_t>(between(random_, 0, 0xfffff))};
  }
  ExceptionStore store() { return static_cast<ExceptionStore>(between(random_, 0, 2)); }
  std::string word() {
    std::string word(between(random_, 1, 20), ' ');
    for (char& c : word) c = static_cast<char>(between(random_, '!', '~'));
    return word;
  }
  std::vector<std::string> words() {
    std::vector<std::string> words(between(random_, 0, 5));
    for (std::string& w : words) w = word();
    return words;
  }
  Thin thin() {
    Thin thin{device(), static_cast<std::uint32_t>(between(random_, 0, UINT32_MAX)), {}};
    if (coin()) thin.external_origin = device();
    return thin;
  }

  std::mt19937_64 random_;
};

TEST(Targets, PrintWhatTheKernelsDocumentationShows) {
  EXPECT_EQ((Linear{a, {2048}}.params()), "7:1 2048");
  EXPECT_EQ(Zero{}.params(), "");
  EXPECT_EQ((Snapshot{a, b, ExceptionStore::transient, {8}, false, false}.params()), "7:1 254:300 N 8");
  EXPECT_EQ((Snapshot{a, b, ExceptionStore::persistent, {32}, true, true}.params()),
            "7:1 254:300 P 32 2 discard_zeroes_cow discard_passdown_origin");
  EXPECT_EQ((SnapshotOrigin{b}.params()), "254:300");
  EXPECT_EQ((SnapshotMerge{a, b, ExceptionStore::persistent_overflow, {16}}.params()), "7:1 254:300 PO 16");
  EXPECT_EQ((Crypt{"aes-xts-plain64", ":64:logon:k", 3, a, {4}, {"allow_discards"}}.params()),
            "aes-xts-plain64 :64:logon:k 3 7:1 4 1 allow_discards");
  EXPECT_EQ((ThinPool{a, b, {128}, 10, {"skip_block_zeroing"}}.params()),
            "7:1 254:300 128 10 1 skip_block_zeroing");
  EXPECT_EQ((Thin{a, 5, b}.params()), "7:1 5 254:300");
}

TEST(Targets, ParseWhatTheyPrintWhateverTheValues) {
  TargetMaker maker(test::seed());
  for (int i = 0; i < 5000; ++i) {
    const Target target = maker.draw();
    ASSERT_EQ(parse_target(type_of(target), params_of(target)), target) << params_of(target);
  }
}

TEST(Targets, ParseWhatTheKernelPrintsDifferently) {
  // emit_flags() of dm-thin.c prints the 0 and a trailing blank.
  EXPECT_EQ(ThinPool::parse("7:1 254:300 128 10 0 "), (ThinPool{a, b, {128}, 10, {}}));
  EXPECT_EQ(Snapshot::parse("7:1 254:300 P 32 1 discard_zeroes_cow"),
            (Snapshot{a, b, ExceptionStore::persistent, {32}, true, false}));
}

TEST(Targets, NeverAcceptTextThatWouldPrintDifferently) {
  TargetMaker maker(test::seed());
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string text(params_of(maker.draw()));
    if (!text.empty() && between(random, 0, 1) == 0) text[between(random, 0, text.size() - 1)] ^= 1;
    if (between(random, 0, 3) == 0) text = maker.garbage();
    for (const std::string_view type :
         {Linear::type, Zero::type, ErrorTarget::type, Snapshot::type, SnapshotOrigin::type,
          SnapshotMerge::type, Crypt::type, ThinPool::type, Thin::type}) {
      try {
        const Target parsed = parse_target(type, text);
        ASSERT_EQ(parse_target(type, params_of(parsed)), parsed) << type << " " << text;
      } catch (const Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::invalid_argument);
      }
    }
  }
}

TEST(Targets, RefuseMissingSurplusAndOutOfRangeParameters) {
  for (const char* text :
       {"", "7:1", "7:1 ", "7:1 x", "7:1 -1", "7:1 18446744073709551616", "7:1 0 0", "sda 0"})
    expect_error(ErrorKind::invalid_argument, [&] { Linear::parse(text); });
  for (const char* text : {"7:1 7:2 X 8", "7:1 7:2 N", "7:1 7:2 N 8 1", "7:1 7:2 N 8 1 bogus",
                           "7:1 7:2 N 8 99999999999", "7:1 7:2 N 8 1 discard_zeroes_cow x"})
    expect_error(ErrorKind::invalid_argument, [&] { Snapshot::parse(text); });
  expect_error(ErrorKind::invalid_argument, [] { Thin::parse("7:1 4294967296"); });
  expect_error(ErrorKind::invalid_argument, [] { Zero::parse("1"); });
}

TEST(Targets, UnknownTypeIsNotSupported) {
  expect_error(ErrorKind::not_supported, [] { parse_target("multipath", "0"); });
}

TEST(Targets, DescriptionAndErrorsLeaveTheKeyOut) {
  const Crypt crypt{"aes-xts-plain64", "00112233445566778899aabbccddeeff", 0, a, {0}, {}};
  const std::string text = describe(whole_device({8}, crypt));
  EXPECT_EQ(text, "0 8 crypt aes-xts-plain64 (key) 0 7:1 0");
  const auto error = test::error_of([&] { Crypt::parse(crypt.params() + " x"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message().find("0011"), std::string::npos) << error->message();
}

TEST(Targets, DescriptionShowsEveryLineAndWhichKeyOfTheKeyring) {
  const Table table = {{{0}, {8}, Zero{}}, {{8}, {8}, Crypt{"c", ":32:logon:k", 0, a, {0}, {}}}};
  EXPECT_EQ(describe(table), "0 8 zero ; 8 8 crypt c :32:logon:k 0 7:1 0");
}

TEST(SnapshotStatus, ParsesEveryFormTheKernelPrints) {
  using State = SnapshotStatus::State;
  const auto status = SnapshotStatus::parse("48/2048 16");
  EXPECT_EQ(status, (SnapshotStatus{State::active, {48}, {2048}, {16}}));
  EXPECT_EQ(SnapshotStatus::parse("Invalid").state, State::invalid);
  EXPECT_EQ(SnapshotStatus::parse("Overflow").state, State::overflow);
  EXPECT_EQ(SnapshotStatus::parse("Merge failed").state, State::merge_failed);
  EXPECT_EQ(SnapshotStatus::parse("Unknown").state, State::unknown);
}

TEST(SnapshotStatus, RefusesGarbage) {
  for (const char* text :
       {"", "/", "1/", "/1 1", "1/1", "1/1 ", "1 1 1", "1/1 1 1", "invalid", "Invalid ", "1/1/1 1"})
    expect_error(ErrorKind::invalid_argument, [&] { SnapshotStatus::parse(text); });
}

}  // namespace
}  // namespace cowshed::dm
