// SPDX-License-Identifier: Apache-2.0
#include "api/attention.h"

#include <fmt/core.h>

namespace cowshed::api {

namespace {

std::string about(const VolumeInfo& volume) { return fmt::format("volume '{}:{}'", volume.vm, volume.name); }

void add_volume(std::vector<Attention>& list, const VolumeInfo& volume) {
  const bool runs = volume.is_running.value_or(false);
  if (volume.is_invalid.value_or(false))
    list.push_back({about(volume), "the kernel has given up a layer of it",
                    fmt::format("cowshed tree {} shows which; stop the VM, then cowshed volume verify {}:{}",
                                volume.vm, volume.vm, volume.name)});
  if (volume.is_held.value_or(false))
    list.push_back({about(volume), "is held: its guest waits for space",
                    volume.cow_limit
                        ? fmt::format("free space in pool {}, or raise its cow_limit; without the "
                                      "service cowshed recover lets it go on",
                                      volume.pool)
                        : fmt::format("free space in pool {}; without the service cowshed recover lets "
                                      "it go on",
                                      volume.pool)});
  if (volume.is_commit_pending.value_or(false))
    list.push_back({about(volume), "a commit was decided but not finished", "cowshed recover finishes it"});
  else if (volume.is_dirty.value_or(false) && !runs)
    list.push_back({about(volume), "holds an interrupted session",
                    fmt::format("cowshed vm start {} goes on with it", volume.vm)});
  if (volume.is_outdated.value_or(false))
    list.push_back({about(volume), "runs on an older state of " + volume.source.value_or("its source"),
                    fmt::format("cowshed vm stop {}, then start it again, for the newest", volume.vm)});
}

}  // namespace

std::optional<unsigned> percent_used(const PoolInfo& pool) {
  if (!pool.size || !pool.usage || pool.size->count == 0) return std::nullopt;
  const double part = static_cast<double>(pool.usage->count) / static_cast<double>(pool.size->count);
  return static_cast<unsigned>(part * 100 + 0.999);
}

bool is_nearly_full(const PoolInfo& pool) {
  const auto percent = percent_used(pool);
  return percent && *percent >= pool.space_warning;
}

namespace {

std::string_view advice_on(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::not_found:
      return "is its file system mounted?";
    case ErrorKind::invalid_argument:
      return "put right what is named";
    case ErrorKind::permission:
      return "run cowshed as root";
    case ErrorKind::corrupt_image:
      return "cowshed volume verify tells more, volume revert goes back to a revision";
    case ErrorKind::kernel_refused:
      return "dmesg may tell more";
    default:
      return {};
  }
}

}  // namespace

Error with_advice(Error error) {
  const auto advice = advice_on(error.kind());
  if (advice.empty()) return error;
  return Error(error.kind(), fmt::format("{}; {}", error.message(), advice), error.error_number())
      .at(error.json_pointer());
}

std::vector<Attention> attention_to(const PoolInfo& pool) {
  if (!is_nearly_full(pool)) return {};
  // The outer one says it.
  if (pool.included_in) return {};
  return {{fmt::format("pool '{}'", pool.name), fmt::format("is {} % full", *percent_used(pool)),
           fmt::format("cowshed pool info {} tells what takes the space", pool.name)}};
}

std::vector<Attention> attention_to(const VmInfo& vm) {
  std::vector<Attention> list;
  if (vm.state == "partly running")
    list.push_back({fmt::format("vm '{}'", vm.name), "only some of its volumes run",
                    "cowshed recover takes them down; nothing is lost"});
  for (const auto& volume : vm.volumes) add_volume(list, volume);
  return list;
}

}  // namespace cowshed::api
