// SPDX-License-Identifier: Apache-2.0
// Rewrites a capture so that every path in its events is one of a kind: a number is put before the
// last component of each path parameter. Replaying the result shows what the engine costs when no
// cache of names helps.
//
// usage: unique_paths FROM.scap TO.scap
#include <cstdio>
#include <string>
#include <vector>

#include "capture/reader.h"
#include "capture/writer.h"
#include "schema/schema.h"

namespace gyr {
namespace {

bool is_path(const EventView& event, size_t index) {
  const Type type = event.info().params()[index].type;
  return (type == Type::FsPath || type == Type::FsRelPath) && !event.text(index).empty() &&
         !event.is_null_text(index);
}

std::string numbered(std::string_view path, uint64_t number) {
  const size_t slash = path.rfind('/');
  const size_t at = slash == std::string_view::npos ? 0 : slash + 1;
  return std::string(path.substr(0, at)) + std::to_string(number) + std::string(path.substr(at));
}

Bytes rewrite(const EventView& event, EventBuilder& builder, uint64_t* number) {
  builder.begin(event.type(), event.ts_ns(), event.tid());
  for (size_t i = 0; i < event.nparams(); ++i) {
    if (is_path(event, i)) {
      builder.add_text(numbered(event.text(i), ++*number));
    } else {
      builder.add(event.param(i));
    }
  }
  return builder.finish();
}

int fail(const Error& error) {
  std::fprintf(stderr, "unique_paths: %s\n", error.message.c_str());
  return 1;
}

int run(const char* from, const char* to) {
  auto reader = CaptureReader::open(from);
  if (!reader) return fail(reader.error());
  auto writer = CaptureWriter::create(to, Compression::None, (*reader)->take_snapshot());
  if (!writer) return fail(writer.error());
  EventBuilder builder;
  EventView event;
  Record record;
  uint64_t number = 0;
  ReadStatus status = ReadStatus::End;
  while ((status = (*reader)->next(&record)) == ReadStatus::Event) {
    if (event.decode(record)) record.bytes = rewrite(event, builder, &number);
    if (const auto written = (*writer)->write(record); !written) return fail(written.error());
  }
  if (status == ReadStatus::Failed) return fail((*reader)->error());
  if (const auto closed = (*writer)->close(); !closed) return fail(closed.error());
  std::printf("%llu paths made different\n", static_cast<unsigned long long>(number));
  return 0;
}

}  // namespace
}  // namespace gyr

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: unique_paths FROM.scap TO.scap\n");
    return 2;
  }
  return gyr::run(argv[1], argv[2]);
}
