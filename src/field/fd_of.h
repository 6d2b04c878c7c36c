// SPDX-License-Identifier: Apache-2.0
// The descriptor an event works on and its ends. Internal to field/.
#pragma once

#include "field/context.h"
#include "field/values.h"

namespace gyr {

// Events of types without a descriptor, and without a thread, have no fd fields at all.
inline bool fd_applies(const EvalContext& context) {
  return has_fd(context.event.info()) && context.thread() != nullptr;
}

// Null if the event has none or it is not known.
inline const FdInfo* event_fd(const EvalContext& context) {
  if (!fd_applies(context)) return nullptr;
  if (context.event_state.fd != nullptr) return context.event_state.fd;
  return find_fd(context, context.event_state.fd_number);
}

inline IpAddress source_ip(const FdInfo& fd) { return {fd.source_ip, fd.is_v6()}; }
inline IpAddress dest_ip(const FdInfo& fd) { return {fd.dest_ip, fd.is_v6()}; }

// fd.name; null where the event gives none.
Value fd_name(const EvalContext& context);

}  // namespace gyr
