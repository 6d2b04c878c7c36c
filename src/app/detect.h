// SPDX-License-Identifier: Apache-2.0
// Detection from start to statistics: source, engine and outputs put together as the settings say.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alert/outputs.h"
#include "app/observer.h"
#include "app/sinks.h"
#include "base/attach_mode.h"
#include "base/log.h"
#include "container_api/settings.h"
#include "engine/engine.h"
#include "source/alert_capture.h"
#include "source/capture_files.h"

namespace gyr::app {

struct DetectSettings {
  std::optional<std::string> capture_file{};       // replay; otherwise live
  bool follow = false;                             // engine.kind = ptrace:
  std::vector<std::string> command{};              // started and followed, or
  std::vector<int64_t> attach{};                   // running processes
  bool no_source = false;                          // engine.kind = nodriver: no events at all
  RecordingSettings record{};                      // records what is seen; no path: nothing
  std::optional<AlertCaptureSettings> captures{};  // on alert
  CaptureChoice capture_choice{};
  OutputSettings outputs{};
  SinkChoice sinks{};
  DropSettings drops{};
  uint64_t silent_rounds = 0;
  ObserverSettings observer{};
  std::optional<std::string> library_severity{};  // of libbpf's messages; none: they are not logged
  BufferFormat buffers = BufferFormat::Printable;
  uint64_t duration_ns = 0;
  ContainerApiSettings container_apis{};
  uint32_t snaplen = 80;
  uint64_t ring_bytes = 8ull << 20;
  uint32_t cpus_per_ring = 2;
  AttachMode attach_mode = AttachMode::Auto;
  bool drop_failed = false;  // failed calls, in the kernel
  bool disable_iterators = false;
  uint32_t thread_limit = 262144;
  uint64_t purge_interval_ns = 300'000'000'000;
  uint64_t thread_timeout_ns = 300'000'000'000;
  bool built_in_rules = false;         // then the start-up says how to see one fire
  std::function<void()> on_started{};  // called once events are read, if set
  bool verbose = false;
  bool dry_run = false;

  // What is followed gets SIGHUP itself, and one set of rules is for the whole of a capture.
  bool reloads() const { return !follow && !capture_file; }
};

class Reloader;

// `reloader` replaces the rules meanwhile. Exit status.
int detect(const DetectSettings& settings, const std::shared_ptr<const PreparedRules>& rules,
           Reloader& reloader, const Logger& logger);

}  // namespace gyr::app
