// SPDX-License-Identifier: Apache-2.0
// Processor time of threads. These fields remember what they saw before, each use for itself.
#pragma once

#include "field/context.h"
#include "value/field_info.h"

namespace gyr {

enum class CpuPart { All, User, System };

// Percent of a processor since the last report about the thread; only where an event reports it.
template <CpuPart part>
Value cpu_percent(const EvalContext& context, const FieldUse& use);

}  // namespace gyr
