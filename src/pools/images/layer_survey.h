// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "dm/control.h"
#include "layers/inventory.h"
#include "pools/volume.h"

/// The layers under what runs, as the kernel tells them.
namespace cowshed::pools::images {

/// The files of a volume that its devices may stand on, by which their loop devices are told apart.
struct SurveyedFiles {
  /// What the guest's device, or the last view, shows.
  Path image;
  std::vector<Path> stores = {};
};

/// A volume's devices in the order in which people read them: what the guest has comes first, the views last,
/// newest first; without those that are as good as gone.
std::vector<layers::OurDevice> top_first(std::vector<layers::OurDevice> devices);

/// `own`, the volume's devices, one after the other, each followed by the files that it is made of, a cow
/// without a name among them. `below`: devices of another volume that they may stand on.
std::vector<Layer> survey_layers(dm::Control& control, SurveyedFiles files,
                                 std::vector<layers::OurDevice> own, std::vector<layers::OurDevice> below);

/// What the kernel says of a device: its size, what it holds, how it is.
void add_state(Layer& layer, dm::Control& control, const layers::OurDevice& device);

}  // namespace cowshed::pools::images
