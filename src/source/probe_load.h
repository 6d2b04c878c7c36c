// SPDX-License-Identifier: Apache-2.0
// Loads the probe program by program: one that the kernel refuses costs what it reports, not the
// start. Only in builds with the probe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

struct gyr_probe;

namespace gyr {

class KernelTypes;

struct ProbeDeleter {
  void operator()(gyr_probe* probe) const;
};
using Probe = std::unique_ptr<gyr_probe, ProbeDeleter>;

struct ProbeRequest {
  const KernelTypes& kernel;
  bool typed = true;  // the probe that loads the kernel's fields directly, else that which copies
  std::string exit_program;                 // reports calls: the one program that must be accepted
  std::span<const std::string> left_out;    // programs that are of no use on this kernel
  std::span<const std::string> spoilt;      // for tests: programs that the kernel shall refuse
  std::function<void(gyr_probe&)> prepare;  // sets sizes and constants before the load
};

struct LoadedProbe {
  Probe probe;
  std::map<std::string, std::string> refused;  // program, and why: the verifier's last words
};

// libbpf loads all programs of an object or none. Those that it failed with are found by the
// verifier's log and left out of the next attempt.
Result<LoadedProbe> load_probe(const ProbeRequest& request);

}  // namespace gyr
