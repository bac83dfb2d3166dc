// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "io/request.h"

namespace cowshed::io {

/// Carries out a request by its system call; blocks until it is done. Never throws: what went wrong is in the
/// completion. Thread-safe.
Completion carry_out(const Request& request) noexcept;

}  // namespace cowshed::io
