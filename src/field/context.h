// SPDX-License-Identifier: Apache-2.0
// What extractors see: one event and the state after it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/arena.h"
#include "event/event_view.h"
#include "state/state.h"
#include "value/field_info.h"

namespace gyr {

enum class BufferFormat : uint8_t { Printable, Hex, HexAscii, Ascii, Base64 };

// Lives as long as the engine; what does not change from event to event.
struct FieldSettings {
  BufferFormat buffers = BufferFormat::Printable;
  bool resolve_ports = false;
  std::string_view source = "syscall";
};

// What the uses of stateful fields remember (kStateful). It belongs to a stream of events, so that
// compiled rules never change and any number of streams can share them.
class UseMemory {
 public:
  // Begins as T{}; always ask with the same T. Copies of a use share it.
  template <class T>
  T& of(const FieldUse& use) {
    Entry& entry = entries_[use.data.get()];
    if (entry.value == nullptr) entry = {use.data, std::make_shared<T>()};
    return *static_cast<T*>(entry.value.get());
  }
  void clear() { entries_.clear(); }

 private:
  struct Entry {
    std::shared_ptr<void> key;  // held, so that no later use gets the same address
    std::shared_ptr<void> value;
  };
  std::unordered_map<const void*, Entry> entries_;
};

struct EvalContext {
  const EventView& event;
  const EventState& event_state;
  const State& state;
  uint64_t number = 0;       // evt.num, from 1
  uint64_t first_ts_ns = 0;  // of the first event that is not a meta event; base of relative time
  Arena& arena;              // reset before each event
  UseMemory& memory;
  const FieldSettings& settings;

  const Thread* thread() const { return event_state.thread; }
};

}  // namespace gyr
