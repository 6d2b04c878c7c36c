// SPDX-License-Identifier: Apache-2.0
#include "container_api/asker.h"

#include <absl/container/flat_hash_map.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/sandbox.h"
#include "base/thread.h"
#include "container_api/apis.h"

namespace gyr {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Waiting {
  ContainerQuestion question;
  int attempts = 0;
  steady_clock::time_point due;
};

// After silence a socket is left alone, so that one that hangs delays no other for long.
struct Rest {
  steady_clock::time_point until;
  milliseconds pause{0};
};

ContainerReply ask_over(ContainerApi api, const ApiPlace& place,
                        const ContainerQuestion& question) {
  switch (api) {
    case ContainerApi::Docker:
      return ask_docker(place, question);
    case ContainerApi::Podman:
      return ask_podman(place, question);
    case ContainerApi::Containerd:
      return ask_containerd(place, question);
    case ContainerApi::Cri:
      return ask_cri(place, question);
    case ContainerApi::Count:
      break;
  }
  return {.full_id = question.full_id};
}

// Which of two failures says more.
int weight(WhyMissing why) {
  if (why == WhyMissing::ApiAbsent) return 0;
  return why == WhyMissing::ApiUnknown ? 1 : 2;
}

}  // namespace

struct ContainerAsker::Impl {
  Impl(ContainerApiSettings the_settings, std::string the_root, ContainerAskerTimes the_times)
      : settings(std::move(the_settings)),
        root(std::move(the_root)),
        times(the_times),
        stop_fd(eventfd(0, EFD_CLOEXEC)) {}
  ~Impl() {
    if (stop_fd >= 0) close(stop_fd);
  }

  const ContainerApiSettings settings;
  const std::string root;
  const ContainerAskerTimes times;
  const int stop_fd;
  std::atomic<bool> has_replies = false;
  std::mutex mutex;
  std::condition_variable changed;
  // With the mutex held:
  bool stop = false;
  std::vector<Waiting> waiting;
  size_t unanswered = 0;  // questions that were taken and whose answers were not
  std::vector<ContainerReply> replies;
  // The asker's alone:
  absl::flat_hash_map<std::string, Rest> rests;  // by path: as many as are configured
  std::thread thread;

  bool start();
  void run();
  std::optional<Waiting> next();
  ContainerReply attempt(const ContainerQuestion& question);
  ContainerReply attempt_at(ContainerApi api, const std::string& path,
                            const ContainerQuestion& question);
  void settle(Waiting item, ContainerReply reply);
};

// False: as if too many waited, it is tried again with the next question.
bool ContainerAsker::Impl::start() {
  if (thread.joinable()) return true;
  auto started = start_thread([this] { run(); });
  if (started) thread = *std::move(started);
  return thread.joinable();
}

std::optional<Waiting> ContainerAsker::Impl::next() {
  std::unique_lock lock(mutex);
  for (;;) {
    if (stop) return std::nullopt;
    const auto at = std::min_element(waiting.begin(), waiting.end(),
                                     [](const auto& a, const auto& b) { return a.due < b.due; });
    if (at == waiting.end()) {
      changed.wait(lock);
    } else if (const auto due = at->due; due > steady_clock::now()) {
      changed.wait_until(lock, due);
    } else {
      Waiting item = std::move(*at);
      waiting.erase(at);
      return item;
    }
  }
}

ContainerReply ContainerAsker::Impl::attempt_at(ContainerApi api, const std::string& path,
                                                const ContainerQuestion& question) {
  Rest& rest = rests[path];
  if (steady_clock::now() < rest.until) {
    return {.full_id = question.full_id, .why = WhyMissing::ApiTimeout};
  }
  const ApiPlace place{.root = root, .path = path, .stop_fd = stop_fd, .timeout = times.timeout};
  ContainerReply reply = ask_over(api, place, question);
  if (reply.why == WhyMissing::ApiTimeout) {
    rest.pause = std::clamp(rest.pause * 2, times.shortest_rest, times.longest_rest);
    rest.until = steady_clock::now() + rest.pause;
  } else {
    rest.pause = milliseconds(0);
  }
  return reply;
}

ContainerReply ContainerAsker::Impl::attempt(const ContainerQuestion& question) {
  ContainerReply best{.full_id = question.full_id, .why = WhyMissing::ApiAbsent};
  for (const ContainerApi api : question.apis) {
    if (!settings[api].enabled) continue;
    for (const std::string& path : settings[api].sockets) {
      ContainerReply reply = attempt_at(api, path, question);
      if (reply.why == WhyMissing::Known) return reply;
      if (weight(reply.why) > weight(best.why)) best = std::move(reply);
    }
  }
  return best;
}

void ContainerAsker::Impl::settle(Waiting item, ContainerReply reply) {
  const std::lock_guard lock(mutex);
  if (reply.why != WhyMissing::Known && ++item.attempts < kAttempts) {
    item.due = steady_clock::now() + times.first_pause * (1 << 2 * (item.attempts - 1));
    waiting.push_back(std::move(item));
    return;
  }
  replies.push_back(std::move(reply));
  has_replies.store(true, std::memory_order_release);
}

void ContainerAsker::Impl::run() {
  // Where it is refused the thread has what it does not use.
  (void)confine_thread("gyr:containers", {.capabilities = {Capability::DacOverride}});
  while (std::optional<Waiting> item = next()) {
    ContainerReply reply = attempt(item->question);
    settle(*std::move(item), std::move(reply));
  }
}

ContainerAsker::ContainerAsker(ContainerApiSettings settings, std::string root,
                               ContainerAskerTimes times)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(root), times)) {}

ContainerAsker::~ContainerAsker() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->changed.notify_all();
  eventfd_write(impl_->stop_fd, 1);
  if (impl_->thread.joinable()) impl_->thread.join();
}

void ContainerAsker::start() {
  bool any = false;
  for (size_t api = 0; api < static_cast<size_t>(ContainerApi::Count); ++api) {
    const auto& settings = impl_->settings[static_cast<ContainerApi>(api)];
    any = any || (settings.enabled && !settings.sockets.empty());
  }
  const std::lock_guard lock(impl_->mutex);
  if (any) impl_->start();
}

WhyMissing ContainerAsker::ask(ContainerQuestion question) {
  const bool wanted =
      std::any_of(question.apis.begin(), question.apis.end(), [this](ContainerApi api) {
        return impl_->settings[api].enabled && !impl_->settings[api].sockets.empty();
      });
  if (!wanted) return WhyMissing::ApiOff;
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->unanswered >= kWaiting || !impl_->start()) return WhyMissing::ApiBusy;
    ++impl_->unanswered;
    impl_->waiting.push_back({.question = std::move(question), .due = steady_clock::now()});
  }
  impl_->changed.notify_all();
  return WhyMissing::ApiPending;
}

std::optional<ContainerReply> ContainerAsker::take() {
  if (!impl_->has_replies.load(std::memory_order_acquire)) return std::nullopt;
  const std::lock_guard lock(impl_->mutex);
  if (impl_->replies.empty()) return std::nullopt;
  ContainerReply reply = std::move(impl_->replies.back());
  impl_->replies.pop_back();
  --impl_->unanswered;
  impl_->has_replies.store(!impl_->replies.empty(), std::memory_order_release);
  return reply;
}

}  // namespace gyr
