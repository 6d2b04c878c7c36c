// SPDX-License-Identifier: Apache-2.0
// Extractors of the fields about a descriptor's name; their rows are in fd.cpp.
#pragma once

#include "field/context.h"
#include "value/field_info.h"

namespace gyr {

Value fd_name_field(const EvalContext& context, const FieldUse& use);
Value fd_name_raw(const EvalContext& context, const FieldUse& use);
Value fd_real_path(const EvalContext& context, const FieldUse& use);
Value fd_directory(const EvalContext& context, const FieldUse& use);
Value fd_filename(const EvalContext& context, const FieldUse& use);
Value fd_container_name(const EvalContext& context, const FieldUse& use);
Value fd_container_directory(const EvalContext& context, const FieldUse& use);

}  // namespace gyr
