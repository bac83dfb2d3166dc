// SPDX-License-Identifier: Apache-2.0
#include "cow/store.h"

#include <array>

namespace cowshed::cow {

StoreSummary check_store(const ReadAt& read, Bytes size, Bytes origin) {
  Reader reader(read, size, origin);
  StoreSummary summary;
  summary.header = reader.header();
  while (reader.next()) ++summary.exceptions;
  return summary;
}

bool is_clean(const ReadAt& read, Bytes size) {
  const Reader reader(read, size, Bytes{0});
  if (!reader.header()) return true;
  const ChunkSize chunk = reader.header()->chunk_size;
  std::array<std::byte, exception_size> raw{};
  read(chunk.bytes() * metadata_chunk(chunk, 0), raw);
  return parse_exception(raw).new_chunk == 0;
}

}  // namespace cowshed::cow
