// SPDX-License-Identifier: Apache-2.0
// The lists a section of a capture begins with, entry by entry: processes, descriptors, interfaces,
// users. Each layout is read and written side by side in one file (process_list.cpp, fd_list.cpp,
// host_lists.cpp). Faults are left in the EntryReader; texts over the format's limits are cut.
#pragma once

#include <cstdint>
#include <variant>

#include "capture/entry.h"
#include "event/snapshot.h"

namespace gyr::capture {

// A process, as versions 1 to 9 of the list store it, without the sub-length of version 9.
SnapshotThread read_process(EntryReader& in, uint8_t version);
void write_process(EntryWriter& out, const SnapshotThread& thread);

// A descriptor, without the sub-length of version 2. A kind that this program does not know becomes
// Unsupported in version 2 and is a fault in version 1, which does not tell its length.
SnapshotFd read_fd(EntryReader& in, uint8_t version);
// Whether captures store descriptors of the kind at all: Unknown ones they do not.
bool has_layout(FdKind kind);
void write_fd(EntryWriter& out, const SnapshotFd& fd);  // of a kind that has a layout

MachineInfo read_machine(EntryReader& in);
void write_machine(EntryWriter& out, const MachineInfo& machine);

// Empty for an entry of a kind this program does not know (version 2; a fault in version 1).
using InterfaceEntry = std::variant<std::monostate, SnapshotInterface>;
InterfaceEntry read_interface(EntryReader& in, uint8_t version);
void write_interface(EntryWriter& out, const SnapshotInterface& interface);

using UserEntry = std::variant<std::monostate, SnapshotUser, SnapshotGroup>;
UserEntry read_user(EntryReader& in, uint8_t version);
void write_user(EntryWriter& out, const SnapshotUser& user);
void write_group(EntryWriter& out, const SnapshotGroup& group);

}  // namespace gyr::capture
