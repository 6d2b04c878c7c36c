// SPDX-License-Identifier: Apache-2.0
// A process with very many threads, one of which does what it is told.
//
// usage: gyr_threads COUNT
// Says "ready N" once N threads are there (fewer when the kernel gives no more, with the reason on
// standard error). Then reads lines: "open PATH" opens a file once, "storm SECONDS PATH" as often
// as it can; each is answered by "done N", the number of opens. Ends with the standard input.
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>

namespace {

// All stacks lie in one mapping: a process may have 65,530 mappings only.
constexpr size_t kStackBytes = 64ul << 10;

void* wait_for_ever(void*) {
  for (;;) pause();
}

void open_once(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) close(fd);
}

size_t storm(double seconds, const std::string& path) {
  constexpr size_t kBetweenLooks = 100;
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  size_t count = 0;
  while (std::chrono::steady_clock::now() < end) {
    for (size_t i = 0; i < kBetweenLooks; ++i) open_once(path);
    count += kBetweenLooks;
  }
  return count;
}

void* obey(void*) {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    double seconds = 0;
    if (verb == "storm") words >> seconds;
    std::string path;
    std::getline(words >> std::ws, path);
    size_t count = 1;
    if (verb == "storm") {
      count = storm(seconds, path);
    } else {
      open_once(path);
    }
    std::cout << "done " << count << std::endl;
  }
  _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const size_t wanted = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1;
  void* stacks = mmap(nullptr, (wanted + 1) * kStackBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stacks == MAP_FAILED) {
    std::perror("mmap");
    return 1;
  }
  madvise(stacks, (wanted + 1) * kStackBytes, MADV_NOHUGEPAGE);
  size_t made = 1;  // the first thread counts
  while (made < wanted) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, static_cast<char*>(stacks) + made * kStackBytes,
                          kStackBytes);
    pthread_t thread{};
    const bool is_last = made + 1 == wanted;
    const int failed =
        pthread_create(&thread, &attributes, is_last ? obey : wait_for_ever, nullptr);
    pthread_attr_destroy(&attributes);
    if (failed != 0) {
      std::fprintf(stderr, "no more than %zu threads: %s\n", made, std::strerror(failed));
      break;
    }
    ++made;
  }
  std::cout << "ready " << made << std::endl;
  if (made < wanted || wanted == 1) obey(nullptr);
  wait_for_ever(nullptr);
}
