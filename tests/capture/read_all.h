// SPDX-License-Identifier: Apache-2.0
// Reads a capture in memory to its end and keeps what came out.
#pragma once

#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "capture/reader.h"

namespace gyr::test {

struct Seen {
  std::string bytes;
  uint16_t cpu = 0;
  uint32_t flags = 0;
  bool operator==(const Seen&) const = default;
};

struct Outcome {
  std::string error;  // "" when all was read
  bool opened = false;
  std::vector<Snapshot> sections;
  std::vector<Seen> events;
  uint64_t unknown_types = 0;
};

inline Outcome drain(Result<std::unique_ptr<CaptureReader>> opened) {
  Outcome outcome;
  if (!opened) {
    outcome.error = opened.error().message;
    return outcome;
  }
  CaptureReader& reader = **opened;
  outcome.opened = true;
  outcome.sections.push_back(reader.take_snapshot());
  Record record;
  while (true) {
    const ReadStatus status = reader.next(&record);
    if (status == ReadStatus::Event) {
      EventView view;
      if (!view.decode(record)) {
        outcome.error = "the reader handed out a record that cannot be decoded";
        break;
      }
      outcome.events.push_back({std::string(as_text(record.bytes)), record.cpu, record.flags});
    } else if (status == ReadStatus::Restart) {
      outcome.sections.push_back(reader.take_snapshot());
    } else {
      if (status == ReadStatus::Failed) outcome.error = reader.error().message;
      if (reader.next(&record) != status) outcome.error = "the last status did not stay";
      break;
    }
  }
  outcome.unknown_types = reader.unknown_types();
  return outcome;
}

inline Outcome read_all(std::string_view capture) {
  return drain(CaptureReader::over(as_bytes(capture), "test.scap"));
}

inline std::string gzip(std::string_view bytes) {
  z_stream zlib{};
  deflateInit2(&zlib, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&zlib, bytes.size()) + 64, '\0');
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  zlib.avail_in = static_cast<uInt>(bytes.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
  deflate(&zlib, Z_FINISH);
  out.resize(zlib.total_out);
  deflateEnd(&zlib);
  return out;
}

inline std::string file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The folder of conformance data, "" when it is not there.
inline std::string conformance() {
  const char* named = std::getenv("GYR_CONFORMANCE");
  const std::filesystem::path path =
      named != nullptr ? named : std::filesystem::path(GYR_SOURCE_DIR) / "../shared/conformance";
  std::error_code error;
  return std::filesystem::is_directory(path / "captures", error) ? path.string() : "";
}

inline std::vector<std::string> conformance_captures() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(conformance() + "/captures")) {
    if (entry.path().extension() == ".scap") paths.push_back(entry.path().string());
  }
  return paths;
}

}  // namespace gyr::test
