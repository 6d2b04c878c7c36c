// SPDX-License-Identifier: Apache-2.0
#include "field/fields.h"

#include <vector>

#include "field/families.h"

namespace gyr {

// Lookup goes through the families in this order, so that it is part of the language.
std::span<const FieldClass> all_fields() {
  static const std::vector<FieldClass> kClasses = {
      {"evt", "The event itself, of whatever source", "", false, event_fields()},
      {"evt", "The event itself, of system calls", "syscall", false, syscall_event_fields()},
      {"process", "The process and the thread that made the event", "syscall", false,
       process_fields()},
      {"user", "The user whose rights the thread has", "syscall", false, user_fields()},
      {"group", "The group whose rights the thread has", "syscall", false, group_fields()},
      {"fd", "The descriptor the event works on", "syscall", false, fd_fields()},
      {"fs.path", "Paths of files that a successful call worked on", "syscall", false,
       fs_path_fields()},
      {"util", "The evaluation itself", "", true, util_fields()},
      {"fdlist", "The descriptors that poll and ppoll wait for", "syscall", false, fdlist_fields()},
      {"container", "The container and the pod of the process", "syscall", false,
       container_fields()},
  };
  return kClasses;
}

}  // namespace gyr
