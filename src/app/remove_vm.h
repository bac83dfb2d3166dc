// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/app.h"

namespace cowshed::app {

/// Removes the VM with all its volumes; the object is gone afterwards. Throws running; in_use naming the VMs
/// that have it as template. Cut off or failed half-way, the next command finishes it.
void remove_vm(Vm& vm);

/// Of a throw-away VM that was stopped.
void remove_throwaway(Vm& vm);

/// The VMs with a snapshot of `volume` of `vm`. Reads all definitions; throws where one cannot be read.
std::vector<Vm*> users_of(Vm& vm, const pools::Volume& volume);
/// "'work', 'mail'"
std::string names_of(const std::vector<Vm*>& vms);

}  // namespace cowshed::app
