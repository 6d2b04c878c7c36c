// SPDX-License-Identifier: Apache-2.0
#include "source/probe_notes.h"

#if GYR_PROBE

#include <algorithm>
#include <vector>

#include "shared.h"
//
#include "gyr_probe.skel.h"

namespace gyr {
namespace {

// Its rows ask the kernel which file the call opened.
bool opens_file(const EventInfo& event) {
  const auto params = event.params();
  return std::any_of(params.begin(), params.end(),
                     [](const ParamInfo& param) { return param.collect == Collect::fd_ino; });
}

// Its rows name texts or addresses in the caller's memory (probe/entry.h).
bool has_compared_params(const EventInfo& event) {
  const auto params = event.params();
  return std::any_of(params.begin(), params.end(), [](const ParamInfo& param) {
    return param.collect == Collect::str || param.collect == Collect::sockaddr ||
           (param.collect == Collect::tuple_out && param.argument >= 0);
  });
}

}  // namespace

bool ask_for_notes(gyr_probe& probe, const gyr_calls& table, const NoteWishes& wishes) {
  auto& bss = *probe.bss;
  std::vector<bool> compares(kEventCount);
  for (const Sc sc : wishes.compared) {
    const EventInfo& event = event_info(sc_info(static_cast<uint16_t>(sc))->event);
    if (has_compared_params(event)) compares[static_cast<size_t>(event.type)] = true;
  }
  for (const EventInfo& event : all_events()) {
    const auto type = static_cast<size_t>(event.type);
    bss.wants_path[type] = wishes.real_paths && opens_file(event);
    bss.compares[type] = compares[type];
  }
  bool any = false;
  for (int i = 0; i < GYR_CALLS; ++i) {
    const bool compared =
        bss.compares[table.calls[0][i].event] || bss.compares[table.calls[1][i].event];
    bss.remembers[i] = compared ? 1 : 0;
    any = any || compared;
  }
  return any;
}

}  // namespace gyr

#endif
