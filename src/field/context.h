// SPDX-License-Identifier: Apache-2.0
// What extractors see: one event and the state after it.
#pragma once

#include <cstdint>
#include <string>

#include "base/arena.h"
#include "event/event_view.h"
#include "state/state.h"

namespace gyr {

enum class BufferFormat : uint8_t { Printable, Hex, HexAscii, Ascii, Base64 };

// Lives as long as the engine; what does not change from event to event.
struct FieldSettings {
  BufferFormat buffers = BufferFormat::Printable;
  bool resolve_ports = false;
  std::string_view source = "syscall";
};

struct EvalContext {
  const EventView& event;
  const EventState& event_state;
  const State& state;
  uint64_t number = 0;       // evt.num, from 1
  uint64_t first_ts_ns = 0;  // of the first event that is not a meta event; base of relative time
  Arena& arena;              // reset before each event
  const FieldSettings& settings;

  const Thread* thread() const { return event_state.thread; }
};

}  // namespace gyr
