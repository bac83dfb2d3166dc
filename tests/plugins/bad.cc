// SPDX-License-Identifier: Apache-2.0
// Plug-ins that are to be refused, one for each value of BAD.
#include <cstdlib>
#include <stdexcept>

#define THROWS 1
#define NO_MAKE 2
#define ABORTS 3
#define BUILT_IN_NAME 4
#define OTHER_VERSION 5
#define OTHER_COMPILER 6
#define UNRESOLVED 7
#define NO_ENTRY 8
#define EXITS 9
#define EXITS_WELL 10

#if BAD == OTHER_VERSION || BAD == OTHER_COMPILER || BAD == NO_ENTRY

#include "pools/plugin.h"
namespace {
constexpr cowshed::pools::PluginAbi changed() {
  cowshed::pools::PluginAbi abi;
#if BAD == OTHER_VERSION
  abi.version = 9;
#elif BAD == OTHER_COMPILER
  abi.volume_size += 8;
#endif
  return abi;
}
[[gnu::section(".note.cowshed"), gnu::used, gnu::aligned(4)]] constexpr cowshed::pools::PluginNote note{
    .abi = changed()};
// Refused before any of its code runs.
#if BAD != NO_ENTRY
[[gnu::constructor]] void run() { std::abort(); }
#endif
}  // namespace

#else

#include "pools/plugin.h"
#if BAD == UNRESOLVED
int nowhere();
#endif
namespace {
#if BAD == ABORTS
[[gnu::constructor]] void run() { std::abort(); }
#elif BAD == EXITS
[[gnu::constructor]] void run() { std::_Exit(3); }
#elif BAD == EXITS_WELL
[[gnu::constructor]] void run() { std::exit(0); }
#endif

cowshed::pools::Driver make() {
#if BAD == THROWS
  throw std::runtime_error("on purpose");
#endif
  cowshed::pools::Driver driver;
  driver.name = BAD == BUILT_IN_NAME ? "file" : "bad";
#if BAD == UNRESOLVED
  driver.help = nowhere() != 0 ? "" : "x";
#endif
#if BAD != NO_MAKE
  driver.make = [](auto, auto&) { return nullptr; };
#endif
  return driver;
}
}  // namespace
COWSHED_PLUGIN(make)

#endif
