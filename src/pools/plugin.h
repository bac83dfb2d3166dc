// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "pools/pool.h"

/// For those who write a driver as a plug-in (docs/drivers.md): a shared object built against these headers,
/// which ends in COWSHED_PLUGIN(make_driver), where `pools::Driver make_driver()` describes the driver.
namespace cowshed::pools {

/// Raised with every change of the headers that a driver built before it would not survive.
constexpr std::uint32_t plugin_abi_version = 2;

/// What program and plug-in must agree on. Sizes tell what a version cannot: another standard library, or
/// other options of the compiler.
struct PluginAbi {
  std::uint32_t version = plugin_abi_version;
  std::uint32_t cxx_abi = __GXX_ABI_VERSION;
  std::uint32_t new_strings = _GLIBCXX_USE_CXX11_ABI;
  std::uint32_t error_size = sizeof(Error);
  std::uint32_t driver_size = sizeof(Driver);
  std::uint32_t pool_size = sizeof(Pool);
  std::uint32_t volume_size = sizeof(Volume);
  std::uint32_t properties_size = sizeof(VolumeProperties);
  bool operator==(const PluginAbi&) const = default;
};

/// An ELF note (elf(5), "Notes"), so that it is read before any of the plug-in's code runs.
struct PluginNote {
  std::uint32_t name_size = sizeof(name);
  std::uint32_t content_size = sizeof(PluginAbi);
  std::uint32_t type = 1;
  char name[8] = "cowshed";  // NOLINT(modernize-avoid-c-arrays): its layout is the file's
  PluginAbi abi;
};
static_assert(sizeof(PluginNote) == 12 + 8 + sizeof(PluginAbi));

/// The one symbol that is looked up: fills in `driver`.
using PluginEntry = void (*)(Driver& driver);
constexpr const char* plugin_entry_name = "cowshed_plugin";

}  // namespace cowshed::pools

#define COWSHED_PLUGIN(make_driver)                                                                 \
  namespace {                                                                                       \
  [[gnu::section(".note.cowshed"), gnu::used,                                                       \
    gnu::aligned(4)]] constexpr ::cowshed::pools::PluginNote cowshed_plugin_note;                   \
  }                                                                                                 \
  extern "C" [[gnu::visibility("default")]] void cowshed_plugin(::cowshed::pools::Driver& driver) { \
    driver = make_driver();                                                                         \
  }
