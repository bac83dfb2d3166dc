// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "app/volume_admin.h"
#include "base/fd.h"

/// What changes or hands out a volume's content as a whole. All block, throw Errors that name VM and volume,
/// and end with interrupted, undone, where that was requested in time (app/interruption.h).
namespace cowshed::app {

/// Waits until standard input ("-") or a FIFO has something to give, which may be after another command on
/// the same state directory; does nothing for any other file. Call it before the App is made; what it returns
/// is kept until the import is over.
Fd wait_for_input(const Path& file);

/// "-" is standard input.
void import_file(Vm& vm, pools::Volume& volume, const pools::GivenImage& image,
                 pools::ProgressWatch progress);
void import_volume(Vm& vm, pools::Volume& volume, pools::Volume& from, pools::ProgressWatch progress);
/// Writes the last committed state, also while the VM runs. A file appears under its name when it is whole;
/// "-" is standard output, which is closed at the end; a pipe or a device is written from its beginning.
/// Other processes go on meanwhile.
void export_file(Vm& vm, pools::Volume& volume, const Path& file, pools::ProgressWatch progress);
void resize(Vm& vm, pools::Volume& volume, Bytes size, bool shrink, pools::ProgressWatch progress);
void revert(Vm& vm, pools::Volume& volume, const std::optional<std::string>& revision,
            pools::ProgressWatch progress);

/// What `volume`, a snapshot, sees becomes its source's committed state.
void promote(Vm& vm, pools::Volume& volume, pools::ProgressWatch progress);

}  // namespace cowshed::app
