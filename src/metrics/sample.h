// SPDX-License-Identifier: Apache-2.0
// What the program knows about itself at one moment, as plain data: taken between two events on the
// engine's thread, read by whoever shows it. What is shown, and by which names, is metrics.def.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alert/outputs.h"
#include "container/finder.h"
#include "source/source.h"
#include "state/state.h"

namespace gyr {

// A file and what was in it when it was read.
struct FileDigest {
  std::string name;    // without folders
  std::string sha256;  // in hexadecimal
};

// What stays as it is while the program runs, but for a reload.
struct MetricsIdentity {
  std::string version;      // of the reference that is matched
  std::string gyr_version;  // ours
  std::string hostname;     // as alerts show it
  std::string kernel_release;
  std::string source = "syscall";
  std::string engine;  // "modern_bpf", "savefile" …, as the reference calls them
  uint64_t start_ns = 0;
  uint64_t reload_ns = 0;
  uint64_t boot_ns = 0;
  uint64_t cpus = 0;
  std::vector<FileDigest> rules_files;
  std::vector<FileDigest> config_files;
};

struct RuleSample {
  std::string name;
  std::string source;
  int priority = 0;
  std::vector<std::string> tags;
  uint64_t evaluated = 0;
  uint64_t matched = 0;
  uint64_t time_ns = 0;  // estimated
};

// Alerts of a rule that gyr.storms left out.
struct SuppressedSample {
  std::string rule;
  uint64_t repeated = 0;
  uint64_t above_limit = 0;
};

struct GovernorSample {
  uint64_t step = 0;  // 0: all is collected, 1: talkers lose some, 2: everybody does
  uint64_t reductions = 0;
  uint64_t restorations = 0;
  std::vector<std::string> rules;  // that see less now
};

// Addresses of a network interface.
struct InterfaceSample {
  std::string name;
  bool v6 = false;
  std::string address;
};

struct MetricsSample {
  uint64_t time_ns = 0;  // since the epoch
  uint64_t monotonic_ns = 0;
  uint64_t events = 0;  // numbered: shown to rules or hidden
  SourceCounters source;
  StateCounters state;
  uint64_t threads = 0;
  uint64_t fds = 0;
  std::vector<InterfaceSample> interfaces;
  std::vector<RuleSample> rules;
  std::vector<SuppressedSample> suppressed;
  std::vector<OutputCounters> outputs;
  GovernorSample governor;
  uint64_t drop_reports = 0;
  uint64_t drop_actions = 0;
  std::vector<MissingCounts::Row> missing;  // of containers
  uint64_t containers = 0;                  // that were looked for and are not gone
  uint64_t container_attempts = 0;
};

// Of this process and of the host.
struct Resources {
  double cpu_percent = 0;  // of one CPU, since the start
  uint64_t rss_bytes = 0;
  uint64_t vsz_bytes = 0;
  uint64_t pss_bytes = 0;
  uint64_t container_bytes = 0;  // of our control group; 0: not known
  double host_cpu_percent = 0;   // of all CPUs, since the host started
  uint64_t host_memory_bytes = 0;
  uint64_t host_running = 0;  // processes on a CPU or waiting for one
  uint64_t host_fds = 0;      // open files
};

}  // namespace gyr
