// SPDX-License-Identifier: Apache-2.0
// Memory for values that live as long as one event: bump allocation, reset once per event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "base/str.h"

namespace gyr {

class Arena {
 public:
  // Aligned to 8. Valid until reset().
  void* allocate(size_t size) {
    size = (size + 7) & ~size_t{7};
    if (size > static_cast<size_t>(end_ - at_)) grow(size);
    void* result = at_;
    at_ += size;
    return result;
  }
  std::string_view copy(std::string_view text) {
    auto* bytes = static_cast<char*>(allocate(text.size()));
    if (!text.empty()) std::memcpy(bytes, text.data(), text.size());
    return {bytes, text.size()};
  }
  template <class T>
  T* array(size_t count) {
    static_assert(alignof(T) <= 8);
    return static_cast<T*>(allocate(count * sizeof(T)));
  }
  // Keeps an interned string alive until reset(), so that a value may point at it. The last ones
  // held are not released by the destructor: their pool may be gone by then.
  void hold(const Str& text) {
    if (text.rep() == nullptr) return;
    ++text.rep()->refs;
    held_.push_back(text.rep());
  }
  void reset() {
    if (at_ != first_) reset_blocks();
    if (!held_.empty()) release();
  }

 private:
  static constexpr size_t kBlock = 16384;
  struct Block {
    std::unique_ptr<uint8_t[]> bytes;
    size_t size;
  };
  void grow(size_t size) {
    const size_t block = size > kBlock ? size : kBlock;
    blocks_.push_back({std::make_unique<uint8_t[]>(block), block});
    at_ = blocks_.back().bytes.get();
    end_ = at_ + block;
    first_ = blocks_.front().bytes.get();
  }
  void reset_blocks() {
    blocks_.resize(1);
    at_ = first_;
    end_ = at_ + blocks_.front().size;
  }
  void release() {
    for (StrRep* text : held_) --text->refs;
    held_.clear();
  }
  std::vector<Block> blocks_;
  std::vector<StrRep*> held_;
  uint8_t* at_ = nullptr;
  uint8_t* end_ = nullptr;
  uint8_t* first_ = nullptr;  // of the first block
};

}  // namespace gyr
