// SPDX-License-Identifier: Apache-2.0
#include "io/data_extents.h"

#include "io/holes.h"

namespace cowshed::io {

namespace {

class DataExtents {
 public:
  explicit DataExtents(const End& source) : source_(source) {}

  std::optional<Extent> operator()() {
    const auto begin = next_data(source_, end_);
    if (!begin) return std::nullopt;
    end_ = next_hole(source_, *begin).value_or(*begin);
    return Extent{*begin, *begin, end_ - *begin};
  }

 private:
  const End& source_;
  Bytes end_;
};

}  // namespace

ExtentStream data_extents(const End& source) {
  // Block devices do not know what a hole is (EINVAL).
  if (!source.is_regular()) return stream_of({{{}, {}, source.size()}});
  return DataExtents(source);
}

std::vector<Extent> list_data(const End& source) {
  std::vector<Extent> result;
  const auto stream = data_extents(source);
  while (const auto extent = stream()) result.push_back(*extent);
  return result;
}

}  // namespace cowshed::io
