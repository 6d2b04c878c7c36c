// SPDX-License-Identifier: Apache-2.0
// The families that make up the registry (fields.cpp), each the rows of one file.
#pragma once

#include <span>

#include "value/field_info.h"

namespace gyr {

std::span<const FieldInfo> event_fields();          // evt.* of every source
std::span<const FieldInfo> syscall_event_fields();  // evt.* of system calls, syscall.type
std::span<const FieldInfo> process_fields();
std::span<const FieldInfo> user_fields();
std::span<const FieldInfo> group_fields();
std::span<const FieldInfo> fd_fields();
std::span<const FieldInfo> fs_path_fields();
std::span<const FieldInfo> util_fields();
std::span<const FieldInfo> fdlist_fields();
std::span<const FieldInfo> container_fields();

}  // namespace gyr
