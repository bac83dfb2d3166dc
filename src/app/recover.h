// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/app.h"

namespace cowshed::app {

/// Every pool puts right its own; then creations and removals that were cut off are finished, VMs of which
/// only a part runs are taken down (sessions are kept uncommitted), and device links follow what runs. What
/// fails is reported and does not stop the rest. With dry_run nothing is changed. Reads all definitions.
pools::RecoveryReport recover_all(App& app, bool dry_run);

/// When the lock was found unclean: recovers, logs what was done, and leaves the lock unclean where it could
/// not be done.
void run_due_recovery(App& app, StateLock& lock);

}  // namespace cowshed::app
