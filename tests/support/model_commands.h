// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "app/locations.h"
#include "support/model.h"

namespace cowshed::test::model {

/// The model's commands on a real installation, each in a process of its own that may be killed: the test's
/// executable calls itself as `TEST --carry-out STATE RUN [--die] COMMAND...`.
constexpr const char* carry_out_option = "--carry-out";
/// When the command is done it is killed with the installation open, as a service would be between two
/// commands.
constexpr const char* die_option = "--die";

app::Locations locations_in(const Path& state, const Path& run);
/// Where a pool of that name and driver lies that is added.
Path pool_directory(const app::Locations& locations, const std::string& pool, const std::string& driver);
/// Leads to a file system that shares extents, where there is one beside the installation.
Path sharing_link(const app::Locations& locations);
/// What `pool-import` reads, and what `export` writes.
Path conf_file(const app::Locations& locations);
Path exported_file(const app::Locations& locations);
/// The plug-in, beside the test's executable.
Path plugin_file();
constexpr const char* plugin_driver = "copies";
/// The file with the root image that a create command asks for ("SEED:LENGTH").
Path image_file(const app::Locations& locations, const std::string& image);

/// The same command for the command line, without the program; nothing where there is none for it.
std::optional<Words> command_line(const app::Locations& locations, const Words& command);

/// For main(). Writes "VM ok" or "VM KIND MESSAGE" for each VM and ends the process. False where it was not
/// called so.
bool carry_out_if_asked(int argc, char** argv);

}  // namespace cowshed::test::model
