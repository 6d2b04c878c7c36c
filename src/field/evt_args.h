// SPDX-License-Identifier: Apache-2.0
// Extractors of the fields that read an event's parameters; their rows are in evt_syscall.cpp.
#pragma once

#include "field/context.h"
#include "value/field_info.h"

namespace gyr {

Value evt_args(const EvalContext& context, const FieldUse& use);

// Buffers as conditions see them, and as the settings want them shown.
Value evt_arg(const EvalContext& context, const FieldUse& use);
Value evt_arg_text(const EvalContext& context, const FieldUse& use);
Result<void> bind_arg(FieldUse& use);

Value evt_rawarg(const EvalContext& context, const FieldUse& use);
Value evt_rawarg_text(const EvalContext& context, const FieldUse& use);
Result<void> bind_rawarg(FieldUse& use);

// Null for every event type without the parameter.
bool fold_arg(uint16_t type, const FieldUse& use, Value* value);

Value evt_buffer(const EvalContext& context, const FieldUse& use);
// The buffer as the settings want it shown; an empty one is "NULL", as among evt.args.
Value evt_buffer_text(const EvalContext& context, const FieldUse& use);
bool fold_buffer(uint16_t type, const FieldUse& use, Value* value);

Value evt_abspath(const EvalContext& context, const FieldUse& use);
Result<void> bind_abspath(FieldUse& use);
bool fold_abspath(uint16_t type, const FieldUse& use, Value* value);

}  // namespace gyr
