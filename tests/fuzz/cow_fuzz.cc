// SPDX-License-Identifier: Apache-2.0
// Whatever lies in a store: it is read whole, or refused as corrupt; never read outside of it. libFuzzer's
// entry; the first bytes of the input say how large the origin is, the rest is the store.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "base/error.h"
#include "cow/store.h"

using namespace cowshed;

namespace {

template <typename Body>
void expect_whole_or_corrupt(Body body) {
  try {
    body();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt_image) std::abort();
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer asks for this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint32_t origin = 0;
  if (size < sizeof origin) return 0;
  std::memcpy(&origin, data, sizeof origin);
  const auto store = std::as_bytes(std::span(data, size)).subspan(sizeof origin);
  const auto read = [&](Bytes offset, std::span<std::byte> into) {
    if (offset.count > store.size() || into.size() > store.size() - offset.count) std::abort();
    std::memcpy(into.data(), store.data() + offset.count, into.size());
  };
  expect_whole_or_corrupt([&] { cow::check_store(read, Bytes{store.size()}, Bytes{origin}); });
  expect_whole_or_corrupt([&] { cow::is_clean(read, Bytes{store.size()}); });
  return 0;
}
