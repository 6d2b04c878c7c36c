// SPDX-License-Identifier: Apache-2.0
// Reload: on SIGHUP, or when a file of the configuration or of the rules has changed, everything is
// read and compiled aside, on a thread of its own, and handed to the running engine whole. What is
// wrong is told, and the old rules stay in force.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "app/options.h"
#include "app/rules_command.h"
#include "app/watched_files.h"
#include "base/log.h"
#include "config/loader.h"
#include "engine/engine.h"

namespace gyr::app {

class Reloader {
 public:
  // How the program was started; both must outlive the reloader. To be made before the rules are
  // read: a file that changes from now on is a change.
  Reloader(const Options& options, const ConfigResult& config, Logger logger);
  ~Reloader();  // stop()
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;

  // Called on the reloader's thread with what has been handed to the engine. Before start().
  void on_loaded(std::function<void(const ConfigResult& config, const RulesToUse& rules)> call) {
    loaded_ = std::move(call);
  }
  // Begins to watch, for an engine that runs until stop(); null: there is none, so that a reload
  // finds faults, for take_fault(), and does nothing else.
  void start(Engine* engine);
  void stop();
  // Without an engine: what was wrong with the last reload that nobody has taken yet, or nothing.
  std::string take_fault();
  // Any thread: reload, changed or not.
  void ask();

 private:
  void run();
  void reload();
  // Empty, or what is wrong.
  std::string load_and_offer();
  bool is_outdated() const;
  void warn_of_restarts(const ConfigResult& config) const;
  std::vector<std::string> paths_of(const ConfigResult& config) const;

  const Options& options_;
  const ConfigResult& started_with_;
  Logger logger_;
  std::function<void(const ConfigResult&, const RulesToUse&)> loaded_;
  Engine* engine_ = nullptr;
  WatchedFiles files_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string fault_;
  bool asked_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace gyr::app
