// SPDX-License-Identifier: Apache-2.0
// Any bytes as a capture, all the way: the state at its start, each event applied, and every field
// of it asked for. Seeds: those of capture_fuzz, and small captures.
#include <cstddef>
#include <cstdint>

#include "capture/progress.h"
#include "engine/event_stream.h"
#include "every_field.h"
#include "source/replay.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gyr;
  // Enough for what the seeds hold; every field of every event is much work.
  constexpr int kMaxEvents = 200;
  auto source = replay_bytes({data, size}, "fuzz");
  if (!source) {
    GYR_CHECK(!source.error().message.empty());
    return 0;
  }
  EventStream stream(**source, {});
  if (const Result<void> opened = stream.open(); !opened) {
    GYR_CHECK(!opened.error().message.empty());
    return 0;
  }
  fuzz::EveryField fields;
  for (int events = 0; events < kMaxEvents;) {
    const StreamStatus status = stream.next();
    if (status == StreamStatus::Failed) GYR_CHECK(!stream.error().message.empty());
    if (status == StreamStatus::Failed || status == StreamStatus::End) break;
    if (status != StreamStatus::Event) continue;
    fields.ask(stream.context());
    ++events;
  }
  // What a recorder would begin its next file with: it can be written, read and gone on from.
  const Snapshot now = stream.dump_state();
  EventBuilder builder;
  GYR_CHECK(capture::read_progress(capture::progress_record(now.progress, 1, builder)));
  StrPool pool;
  State again({}, pool);
  again.load(now);
  again.dump();
  return 0;
}
