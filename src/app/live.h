// SPDX-License-Identifier: Apache-2.0
// What live detection needs beside the rules: the probe with the right system calls, the host's
// /proc for what was missed, and a few words about what is watched.
#pragma once

#include <memory>
#include <string>

#include "app/detect.h"
#include "base/result.h"
#include "base/system.h"
#include "source/source.h"

namespace gyr::app {

class LiveHost {
 public:
  // `host_root`: HOST_ROOT, "" for this file system.
  explicit LiveHost(std::string host_root);

  // Attaches the probe. Warnings go to the log. The source must not outlive the host.
  Result<std::unique_ptr<Source>> open(const DetectSettings& settings, const Ruleset& ruleset,
                                       const Logger& logger);
  // State that heals itself from /proc. Refers to this object.
  StateSettings state_settings() const;
  // "kernel 6.1.0, 91 system calls": after open().
  std::string description() const;

 private:
  std::string host_root_;
  std::unique_ptr<Files> files_;
  std::unique_ptr<Users> users_;
  size_t collected_ = 0;
};

}  // namespace gyr::app
