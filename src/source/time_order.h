// SPDX-License-Identifier: Apache-2.0
// Puts records that come nearly in order of time into that order. CPUs take the time of a record
// before they put it into the ring, so neighbours in the ring may be swapped. Also tells which part
// of the ring nobody needs any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gyr {

class TimeOrder {
 public:
  struct Item {
    uint64_t ts_ns = 0;
    uint64_t end = 0;             // position in the ring behind the record
    const uint8_t* at = nullptr;  // the record
    uint32_t size = 0;
    uint64_t slot = 0;  // internal
  };

  // Items come in ring order.
  void add(Item item);
  // Null if there is none. It stays in use until release().
  const Item* oldest() const { return empty() ? nullptr : &items_[head_]; }
  // Gives back the item that oldest() returned.
  void release();
  bool empty() const { return head_ == items_.size(); }
  size_t size() const { return items_.size() - head_; }
  size_t capacity() const { return items_.capacity(); }  // items there is memory for
  // Everything in the ring before this position has been released.
  uint64_t free_position() const { return free_; }

 private:
  void compact();
  void give_back_memory();
  struct Slot {
    uint64_t end;
    bool released;
  };
  std::vector<Item> items_;  // from head_ on sorted by time
  std::vector<Slot> slots_;  // in ring order
  size_t head_ = 0;
  size_t first_slot_ = 0;
  uint64_t slots_before_ = 0;  // dropped from the front of slots_
  uint64_t free_ = 0;
  size_t most_ = 0;  // items at once since memory was last given back
  uint32_t empties_ = 0;
};

}  // namespace gyr
