// SPDX-License-Identifier: Apache-2.0
// Reads what the programs at the kernel's iterators write (probe/iter_shared.h) and makes the
// descriptors of it that /proc would tell (proc_fds.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "event/snapshot.h"

struct gyr_task_record;
struct gyr_file_record;

namespace gyr {

using TakeTask = std::function<void(const gyr_task_record&)>;
// The name is valid during the call.
using TakeFile = std::function<void(const gyr_file_record&, std::string_view name)>;

// Hand on each whole record and give the bytes these have; a rest belongs to a record whose end is
// still to come. An error: these are no such records.
Result<size_t> parse_tasks(std::span<const uint8_t> bytes, const TakeTask& take);
Result<size_t> parse_files(std::span<const uint8_t> bytes, const TakeFile& take);

struct ListedFd {
  // Nothing: a socket of a family that /proc's tables do not have, or in none of them because it is
  // bound to nothing.
  std::optional<SnapshotFd> fd;
  bool lacks_name = false;  // the kernel could not tell the path: /proc/PID/fd/FD has it
  // Its file system numbers files and devices for stat(2) otherwise: that has to be asked.
  bool lacks_numbers = false;
};
ListedFd describe(const gyr_file_record& record, std::string_view name);

// Kind, and what depends on it, of anything but a socket, from its mode and its link's text.
void set_file_kind(uint32_t mode, std::string_view link, SnapshotFd* fd);

}  // namespace gyr
