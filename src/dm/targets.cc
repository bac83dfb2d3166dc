// SPDX-License-Identifier: Apache-2.0
#include "dm/targets.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "dm/words.h"

namespace cowshed::dm {

namespace {

struct StoreName {
  ExceptionStore store;
  std::string_view letters;
};
constexpr std::array store_names = {StoreName{ExceptionStore::transient, "N"},
                                    StoreName{ExceptionStore::persistent, "P"},
                                    StoreName{ExceptionStore::persistent_overflow, "PO"}};

std::string_view letters_of(ExceptionStore store) {
  return std::ranges::find(store_names, store, &StoreName::store)->letters;
}

ExceptionStore parse_store(Words& words) {
  const auto found = std::ranges::find(store_names, words.word("the exception store"), &StoreName::letters);
  if (found == store_names.end()) words.fail("the exception store is not N, P or PO");
  return found->store;
}

/// " COUNT WORD..."; nothing for no words, which every target takes as 0.
std::string counted(const std::vector<std::string>& words) {
  return words.empty() ? "" : fmt::format(" {} {}", words.size(), fmt::join(words, " "));
}

/// What snapshot and snapshot-merge have in common.
template <typename T>
void parse_store_arguments(Words& words, T& target) {
  target.origin = words.device("the origin");
  target.cow = words.device("the cow");
  target.store = parse_store(words);
  target.chunk_size = words.sectors("the chunk size");
}

template <typename T>
std::string store_arguments(const T& target) {
  return fmt::format("{} {} {} {}", target.origin.str(), target.cow.str(), letters_of(target.store),
                     target.chunk_size.count);
}

/// For targets that have no parameters.
void expect_nothing(std::string_view type, std::string_view text) { Words(type, text).expect_end(); }

}  // namespace

std::string Linear::params() const { return fmt::format("{} {}", device.str(), offset.count); }

Linear Linear::parse(std::string_view text) {
  Words words(type, text);
  Linear target;
  target.device = words.device("the device");
  target.offset = words.sectors("the offset");
  words.expect_end();
  return target;
}

Zero Zero::parse(std::string_view text) {
  expect_nothing(type, text);
  return {};
}

ErrorTarget ErrorTarget::parse(std::string_view text) {
  expect_nothing(type, text);
  return {};
}

std::string Snapshot::params() const {
  std::vector<std::string> features;
  if (discard_zeroes_cow) features.emplace_back("discard_zeroes_cow");
  if (discard_passdown_origin) features.emplace_back("discard_passdown_origin");
  return store_arguments(*this) + counted(features);
}

Snapshot Snapshot::parse(std::string_view text) {
  Words words(type, text);
  Snapshot target;
  parse_store_arguments(words, target);
  for (const std::string& feature : words.counted_words("feature")) {
    if (feature == "discard_zeroes_cow")
      target.discard_zeroes_cow = true;
    else if (feature == "discard_passdown_origin")
      target.discard_passdown_origin = true;
    else
      words.fail("a feature is unknown");
  }
  words.expect_end();
  return target;
}

std::string SnapshotOrigin::params() const { return origin.str(); }

SnapshotOrigin SnapshotOrigin::parse(std::string_view text) {
  Words words(type, text);
  const SnapshotOrigin target{words.device("the origin")};
  words.expect_end();
  return target;
}

std::string SnapshotMerge::params() const { return store_arguments(*this); }

SnapshotMerge SnapshotMerge::parse(std::string_view text) {
  Words words(type, text);
  SnapshotMerge target;
  parse_store_arguments(words, target);
  words.expect_end();
  return target;
}

SecretText Crypt::params() const {
  SecretText text(cipher);
  text += ' ';
  // Not by fmt, whose buffers are nobody's to wipe.
  text += key;
  text += fmt::format(" {} {} {}{}", iv_offset, device.str(), offset.count, counted(features));
  return text;
}

Crypt Crypt::parse(std::string_view text) {
  Words words(type, text);
  Crypt target;
  target.cipher = words.word("the cipher");
  target.key = words.word("the key");
  target.iv_offset = words.number("the IV offset");
  target.device = words.device("the device");
  target.offset = words.sectors("the offset");
  target.features = words.counted_words("feature");
  words.expect_end();
  return target;
}

std::string ThinPool::params() const {
  return fmt::format("{} {} {} {}{}", metadata.str(), data.str(), block_size.count, low_water_mark_blocks,
                     counted(features));
}

ThinPool ThinPool::parse(std::string_view text) {
  Words words(type, text);
  ThinPool target;
  target.metadata = words.device("the metadata device");
  target.data = words.device("the data device");
  target.block_size = words.sectors("the block size");
  target.low_water_mark_blocks = words.number("the low water mark");
  target.features = words.counted_words("feature");
  words.expect_end();
  return target;
}

std::string Thin::params() const {
  return fmt::format("{} {}{}", pool.str(), device_id, external_origin ? " " + external_origin->str() : "");
}

Thin Thin::parse(std::string_view text) {
  Words words(type, text);
  Thin target;
  target.pool = words.device("the pool");
  target.device_id = static_cast<std::uint32_t>(words.number("the device id", UINT32_MAX));
  if (!words.at_end()) target.external_origin = words.device("the external origin");
  words.expect_end();
  return target;
}

std::string_view type_of(const Target& target) {
  return std::visit([](const auto& t) { return std::string_view(t.type); }, target);
}

SecretText params_of(const Target& target) {
  return std::visit([](const auto& t) { return SecretText(t.params()); }, target);
}

namespace {

/// Tries the types of the variant one after the other.
template <std::size_t index = 0>
Target parse_as(std::string_view type, std::string_view params) {
  if constexpr (index == std::variant_size_v<Target>) {
    throw Error(ErrorKind::not_supported, fmt::format("device-mapper target '{}' is not known here", type));
  } else {
    using T = std::variant_alternative_t<index, Target>;
    return type == T::type ? Target(T::parse(params)) : parse_as<index + 1>(type, params);
  }
}

bool is_keyring_reference(std::string_view key) { return key.starts_with(':'); }

}  // namespace

Target parse_target(std::string_view type, std::string_view params) { return parse_as(type, params); }

std::string describe(const TableLine& line) {
  Target target = line.target;
  if (auto* crypt = std::get_if<Crypt>(&target); crypt && !is_keyring_reference(crypt->key))
    crypt->key = "(key)";
  return fmt::format("{} {} {} {}", line.start.count, line.length.count, type_of(target),
                     std::string_view(params_of(target)));
}

std::string describe(const Table& table) {
  std::string text;
  for (const TableLine& line : table) text += (text.empty() ? "" : "; ") + describe(line);
  return text;
}

namespace {

struct StateName {
  SnapshotStatus::State state;
  std::string_view text;
};
// drivers/md/dm-snap.c, snapshot_status().
constexpr std::array state_names = {StateName{SnapshotStatus::State::invalid, "Invalid"},
                                    StateName{SnapshotStatus::State::merge_failed, "Merge failed"},
                                    StateName{SnapshotStatus::State::overflow, "Overflow"},
                                    StateName{SnapshotStatus::State::unknown, "Unknown"}};

SnapshotStatus parse_usage(Words& words) {
  const std::string_view used = words.word("the usage");
  const auto slash = std::min(used.find('/'), used.size());
  const auto allocated = parse_decimal(used.substr(0, slash));
  const auto total = parse_decimal(used.substr(std::min(slash + 1, used.size())));
  if (!allocated || !total) words.fail("the usage is not ALLOCATED/TOTAL");
  const Sectors metadata = words.sectors("the metadata");
  words.expect_end();
  return {SnapshotStatus::State::active, Sectors{*allocated}, Sectors{*total}, metadata};
}

}  // namespace

SnapshotStatus SnapshotStatus::parse(std::string_view text) {
  const auto named = std::ranges::find(state_names, text, &StateName::text);
  if (named != state_names.end())
    return {.state = named->state, .allocated = {}, .total = {}, .metadata = {}};
  Words words("snapshot (status)", text);
  return parse_usage(words);
}

}  // namespace cowshed::dm
