// SPDX-License-Identifier: Apache-2.0
// A small capture made by hand that has about everything in it.
#pragma once

#include <string>

#include "capture/capture_builder.h"
#include "schema/schema.h"

namespace gyr::test {

inline std::string sample_process(int64_t tid) {
  return Raw()
      .i64(tid)
      .i64(tid)
      .i64(1)
      .i64(1)
      .i64(1)
      .text("comm")
      .text("exe")
      .text("/exe")
      .text("args")
      .text("/")
      .i64(1024)
      .u32(0)
      .u32(0)
      .u32(0)
      .u32(1)
      .u32(1)
      .u32(1)
      .u64(1)
      .u64(1)
      .text("E=1")
      .i64(tid)
      .i64(tid)
      .text("cpu=/")
      .text("/")
      .bytes;
}

// All kinds of blocks, in old and new versions.
inline std::string sample_capture() {
  const Event close{static_cast<uint16_t>(Ev::CLOSE_X), {le<int64_t>(0), le<int64_t>(3)}};
  const Event plugin{
      static_cast<uint16_t>(Ev::PLUGINEVENT_E), {le<uint32_t>(1), std::string(500, 'p')}, -1};
  std::string capture = section();
  capture += block(0x201, std::string(180, '\0'));
  capture += block(
      0x219, sized(Raw().u16(1).u16(4).raw("abcdefghijkl").u64(1000).raw("eth0").bytes, false));
  capture += block(0x220, sized(Raw().u8(1).u32(9).text("wheel").bytes));
  capture += block(0x215, sized(sample_process(1)) + sized(sample_process(2)));
  capture += block(0x214, sample_process(3) + sample_process(4));
  capture += block(
      0x218,
      Raw().i64(1).raw(sized(Raw().i64(3).u64(7).u8(16).u32(1).text("/f").u32(1).bytes)).bytes);
  capture += block(0x203, Raw().i64(2).raw(Raw().i64(3).u64(7).u8(7).text("pipe").bytes).bytes);
  for (int i = 0; i < 6; ++i) {
    capture += event_block(close, 1);
    capture += block(0x204, Raw().u16(2).raw(old_record(close)).bytes);
    capture += block(0x217, Raw().u16(3).u32(1).raw(record(close)).bytes);
    capture += block(0x221, Raw().u16(4).raw(record(plugin, 4)).bytes);
    capture += block(0x208, Raw().u16(5).u32(1).raw(old_record(close)).bytes);
  }
  return capture;
}

}  // namespace gyr::test
