// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "api/types.h"

/// What a person should look at, with what to do about it. Derived from the rest of the answer.
namespace cowshed::api {

/// 0 to 100, rounded up; nothing where it is not known.
std::optional<unsigned> percent_used(const PoolInfo& pool);
/// Fuller than its space_warning.
bool is_nearly_full(const PoolInfo& pool);

/// The error with what to do about it behind, where its kind tells.
Error with_advice(Error error);

std::vector<Attention> attention_to(const PoolInfo& pool);
/// `vm` with its volumes.
std::vector<Attention> attention_to(const VmInfo& vm);

}  // namespace cowshed::api
