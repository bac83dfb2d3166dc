// SPDX-License-Identifier: Apache-2.0
#include "changes.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

namespace bench {

namespace {

constexpr std::uint64_t small_write = 4 << 10, large_write = 64 << 10;

/// Places of `unit` bytes each.
std::vector<std::uint64_t> written_places(const Change& change, std::uint64_t unit) {
  std::vector<std::uint64_t> places(image_size(change) / unit);
  std::iota(places.begin(), places.end(), 0);
  std::mt19937_64 random(change.bytes ^ unit);
  std::shuffle(places.begin(), places.end(), random);
  places.resize(change.bytes / unit);
  return places;
}

}  // namespace

std::string to_string(Pattern pattern) {
  switch (pattern) {
    case Pattern::sequential:
      return "sequential";
    case Pattern::random_4k:
      return "random 4 KiB";
    default:
      return "random 64 KiB";
  }
}

std::vector<std::uint64_t> changed_chunks(const Change& change) {
  std::vector<std::uint64_t> chunks;
  if (change.pattern == Pattern::sequential) {
    chunks.resize(change.bytes / change.chunk);
    std::iota(chunks.begin(), chunks.end(), 0);
    return chunks;
  }
  const std::uint64_t unit = change.pattern == Pattern::random_4k ? small_write : large_write;
  std::vector<bool> seen(image_size(change) / change.chunk);
  for (const std::uint64_t place : written_places(change, unit))
    for (std::uint64_t at = place * unit; at < (place + 1) * unit; at += std::min(unit, change.chunk)) {
      const std::uint64_t chunk = at / change.chunk;
      if (!seen[chunk]) chunks.push_back(chunk);
      seen[chunk] = true;
    }
  return chunks;
}

std::string content(State state, std::uint64_t offset, std::uint64_t length) {
  std::string text(length, '\0');
  std::uint64_t word = 0;
  for (std::uint64_t at = 0; at < length; at += sizeof word) {
    // Nowhere zeros, nowhere the same.
    word = (offset + at) * 0x9e3779b97f4a7c15u + (state == State::new_one ? 2 : 1);
    std::memcpy(text.data() + at, &word, sizeof word);
  }
  return text;
}

std::uint64_t store_offset(std::uint64_t index, std::uint64_t chunk) {
  const std::uint64_t entries = chunk / 16;
  // Chunk 0 is the header; each area is a chunk of entries, then their data.
  return (1 + index / entries * (entries + 1) + 1 + index % entries) * chunk;
}

std::vector<Run> runs_of(const std::vector<std::uint64_t>& chunks, std::uint64_t chunk) {
  std::vector<Run> runs;
  for (std::uint64_t i = 0; i < chunks.size(); ++i)
    runs.push_back({store_offset(i, chunk), chunks[i] * chunk, chunk});
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.to < b.to; });
  std::vector<Run> joined;
  for (const Run& run : runs) {
    Run* const last = joined.empty() ? nullptr : &joined.back();
    if (last != nullptr && last->to + last->length == run.to && last->from + last->length == run.from)
      last->length += run.length;
    else
      joined.push_back(run);
  }
  return joined;
}

}  // namespace bench
