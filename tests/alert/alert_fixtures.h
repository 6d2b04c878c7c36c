// SPDX-License-Identifier: Apache-2.0
// Alerts, folders and waiting for tests of outputs.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <thread>

#include "alert/outputs.h"

namespace gyr {

inline AlertPtr test_alert(int number, Priority priority = Priority::Warning) {
  auto alert = std::make_shared<Alert>();
  alert->time_ns = 1'700'000'000'000'000'000u + static_cast<uint64_t>(number);
  alert->rule = "test rule";
  alert->priority = priority;
  alert->source = "syscall";
  alert->hostname = "box";
  alert->message = "number " + std::to_string(number);
  alert->fields["number"] = {int64_t{number}};
  return alert;
}
inline std::string test_id(int number) { return alert_id(*test_alert(number), 0); }

inline const auto kNeverGiveUp = [] { return false; };
inline const auto kHurry = [] { return true; };

// So long that no test depends on how fast a machine is.
inline constexpr auto kPatience = std::chrono::seconds(60);

// False, and a failure of the test, when the time is over.
inline bool wait_until(const std::function<bool()>& condition,
                       std::chrono::milliseconds patience = kPatience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) {
      ADD_FAILURE() << "what was waited for did not come within " << patience.count() << " ms";
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

inline std::string text_of(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}
inline size_t lines_of(const std::string& path) {
  const std::string text = text_of(path);
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

// A folder of the test's own, which goes with it.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = testing::TempDir() + "gyr_alert_XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Fast enough for tests, otherwise as in production.
inline RetryPolicy quick_retry() { return {.first_ms = 1, .max_ms = 20}; }

}  // namespace gyr
