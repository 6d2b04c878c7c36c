// SPDX-License-Identifier: Apache-2.0
// Threads that may do only what they are for: capabilities (base/capabilities.h) and, by Landlock
// (Linux 5.13), the files they can open. Both are of a thread, and of those it makes later. Against
// what a thread can be talked into, say by a peer that it speaks to; whoever runs code of his own
// within the process also has the memory of its other threads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/capabilities.h"
#include "base/result.h"

namespace gyr {

struct Allowed {
  Capabilities capabilities{};       // of those it has
  bool all_files = false;            // no limit: what is below does not count
  std::vector<std::string> read{};   // files, and folders with all that is below
  std::vector<std::string> write{};  // the same; in folders files may also be made and removed
};
// The folder that a file is in, "." for a name alone.
std::string folder_of(const std::string& path);
// In which a file can be made anew under its name: its folder, and where a link leads.
std::vector<std::string> folders_of(const std::string& path);
// What a thread that looks names up in the network, or speaks TLS, reads beside its own files.
const std::vector<std::string>& network_files();

// Of this kernel; 0: it has no Landlock, or it is switched off, and no thread's files are limited.
// Thread-safe.
int landlock_version();

// Limits the calling thread and names it (15 bytes at most), for /proc and debuggers. Whatever is
// named and does not exist is passed over. Never partly: an error means that files are not limited,
// or that no privilege was given up.
Result<void> confine_thread(const char* name, const Allowed& allowed);

// Whether the files that were allowed are still those that their names lead to: a rule is about the
// file, so one that was replaced (as resolv.conf is) cannot be opened, nor can a new one.
class AllowedFiles {
 public:
  AllowedFiles() = default;
  explicit AllowedFiles(const Allowed& allowed);
  // Looks at most twenty times a second.
  bool replaced();

 private:
  struct File {
    std::string path;
    uint64_t device = 0, inode = 0;  // both 0: it did not exist
    bool operator==(const File&) const = default;
  };
  static File look(std::string path);
  std::vector<File> files_;
  uint64_t looked_ns_ = 0;  // of the monotonic clock
};

// Runs `work` confined to `allowed()`, and again in a new thread, with what that says then,
// whenever `work` returns false: that is for when the files that were allowed have been replaced.
// Returns once it has returned true. The calling thread waits meanwhile; it keeps the capabilities
// and is not limited to files. `failed`: what could not be limited; `work` runs nevertheless.
void run_confined(const char* name, const std::function<Allowed()>& allowed,
                  const std::function<void(const Error&)>& failed,
                  const std::function<bool(AllowedFiles& files)>& work);

}  // namespace gyr
