// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/app.h"

/// How creating and removing leaves nothing behind when it is cut off. vms/NAME.pending is a definition of
/// volumes that belong to NAME only if vms/NAME.json lists them. It is written before the first of them is
/// created, or takes the definition's place before the first is removed; recovery removes what NAME.json
/// does not list. A throw-away VM's volumes stay pending as long as it runs, where they leave files at all
/// (Volume::leaves_files).
namespace cowshed::app {

/// Throws exists where an earlier intent was not finished.
void refuse_unfinished(App& app, const VmName& name);
/// Writes the intent, durably. Throws as refuse_unfinished().
void begin_pending(App& app, const VmName& name, const VmDefinition& volumes);
/// Nothing is pending any more.
void end_pending(App& app, const VmName& name);

/// Finishes what was cut off; with dry_run only tells. Leaves throw-away VMs that run alone.
void settle_pending(App& app, const VmName& name, bool dry_run, pools::RecoveryReport& report);

/// Creates the data of all volumes together, each with the content that `content` says. On failure those that
/// were created are removed again.
using ContentOf = std::function<pools::CreateOptions(const pools::Volume&)>;
void create_data(const std::vector<pools::Volume*>& volumes, const ContentOf& content);
/// Removes the data of all volumes together; what is gone already is no error.
void remove_data(const std::vector<pools::Volume*>& volumes);

}  // namespace cowshed::app
