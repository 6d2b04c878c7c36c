// SPDX-License-Identifier: Apache-2.0
// Files are opened; directories and roots change (state-engine 4.4, 4.7).
#include <string_view>

#include "state/core.h"

namespace gyr {
namespace {

// Where an open event keeps what; -1: nowhere.
struct OpenParams {
  int8_t name, flags, dev, ino, dirfd;
  int8_t enter_name, enter_flags, enter_dirfd;  // of its enter event
};
constexpr OpenParams kOpen = {.name = 1,
                              .flags = 2,
                              .dev = 4,
                              .ino = 5,
                              .dirfd = -1,
                              .enter_name = 0,
                              .enter_flags = 1,
                              .enter_dirfd = -1};
constexpr OpenParams kCreat = {.name = 1,
                               .flags = -1,
                               .dev = 3,
                               .ino = 4,
                               .dirfd = -1,
                               .enter_name = 0,
                               .enter_flags = -1,
                               .enter_dirfd = -1};
constexpr OpenParams kOpenat = {.name = 2,
                                .flags = 3,
                                .dev = 5,
                                .ino = 6,
                                .dirfd = 1,
                                .enter_name = 1,
                                .enter_flags = 2,
                                .enter_dirfd = 0};
constexpr OpenParams kOpenat2 = {.name = 2,
                                 .flags = 3,
                                 .dev = 6,
                                 .ino = 7,
                                 .dirfd = 1,
                                 .enter_name = 1,
                                 .enter_flags = 2,
                                 .enter_dirfd = 0};
constexpr OpenParams kByHandle = {.name = 3,
                                  .flags = 2,
                                  .dev = 4,
                                  .ino = 5,
                                  .dirfd = -1,
                                  .enter_name = -1,
                                  .enter_flags = -1,
                                  .enter_dirfd = -1};

// The lowest bit that only the kernel's answer sets; all below are the caller's request.
constexpr uint32_t kAnswerBits = ~(kOpenCreated - 1);
constexpr size_t kCreatFlags = 5;
constexpr uint16_t kCreatUpperLayer = 1;
constexpr uint16_t kCreatLowerLayer = 2;

size_t at(int8_t index) { return static_cast<size_t>(index); }

struct Opened {
  Str name;
  uint32_t flags = 0;
  int64_t dirfd = kAtFdcwd;
  bool has_dirfd = false;
};

// The enter event's request counts where there is one: the exit event's name is read from user
// memory later, which the caller may have changed since.
template <OpenParams params>
Opened read_request(StateCore& core, const EventView& event) {
  Opened opened;
  opened.flags = params.flags >= 0 ? event.get<uint32_t>(at(params.flags)) : 0;
  const EventView* source = &event;
  int8_t name = params.name;
  int8_t dirfd = params.dirfd;
  if (core.now.has_enter && params.enter_name >= 0) {
    const EventView& enter = core.now.enter;
    if (!enter.is_null_text(at(params.enter_name)) && enter.text(at(params.enter_name)) != "<NA>") {
      source = &enter;
      name = params.enter_name;
      dirfd = params.enter_dirfd;
      if (params.enter_flags >= 0) {
        opened.flags = enter.get<uint32_t>(at(params.enter_flags)) | (opened.flags & kAnswerBits);
      }
    }
  }
  opened.name = core.intern(source->text(at(name)));
  if (dirfd >= 0 && source->has(at(dirfd))) {
    opened.dirfd = source->get<int64_t>(at(dirfd));
    opened.has_dirfd = true;
  }
  if (event.type() == Ev::CREAT_X) {
    const auto layers = event.get<uint16_t>(kCreatFlags);
    if ((layers & kCreatUpperLayer) != 0) opened.flags |= kOpenUpperLayer;
    if ((layers & kCreatLowerLayer) != 0) opened.flags |= kOpenLowerLayer;
  }
  return opened;
}

template <OpenParams params>
Str full_name(StateCore& core, const Opened& opened) {
  if (params.name == kByHandle.name) return core.paths.join(Str(), opened.name);
  if (params.dirfd < 0) return core.paths.join(core.cwd(*core.thread), opened.name);
  if (!opened.has_dirfd) return core.paths.join(Str(), opened.name);
  const Str& base = core.resolve_dirfd(core.thread, opened.name.view(), opened.dirfd);
  return core.paths.join(base, opened.name);
}

// A function for each event, so that the numbers of its parameters are constants.
template <OpenParams params>
void open_file(StateCore& core, const EventView& event) {
  const Opened opened = read_request<params>(core, event);
  Str name = full_name<params>(core, opened);
  const bool is_directory = (opened.flags & kOpenDirectory) != 0;
  FdInfo* info = core.add_fd(event.result(), is_directory ? FdKind::Directory : FdKind::FileV2);
  if (info == nullptr) return;
  info->open_flags = opened.flags;
  info->upper_layer = (opened.flags & kOpenUpperLayer) != 0;
  info->lower_layer = (opened.flags & kOpenLowerLayer) != 0;
  info->dev = event.get<uint32_t>(at(params.dev));
  info->ino = event.get<uint64_t>(at(params.ino));
  info->name = std::move(name);
  info->name_raw = opened.name;
  if (const std::string_view path = event.opened_path(); !path.empty()) {
    info->real_path = core.intern(path);
  }
}

}  // namespace

void on_open(StateCore& core, const EventView& event) { open_file<kOpen>(core, event); }
void on_openat(StateCore& core, const EventView& event) { open_file<kOpenat>(core, event); }
void on_openat2(StateCore& core, const EventView& event) { open_file<kOpenat2>(core, event); }
void on_creat(StateCore& core, const EventView& event) { open_file<kCreat>(core, event); }
void on_open_by_handle(StateCore& core, const EventView& event) {
  open_file<kByHandle>(core, event);
}

void on_chdir(StateCore& core, const EventView& event) {
  if (event.is_null_text(1) || core.is_settled(core.thread->pid, event)) return;
  core.set_cwd(*core.thread, core.intern(event.text(1)));
}

void on_fchdir(StateCore& core, const EventView& event) {
  if (core.now.fd == nullptr || core.is_settled(core.thread->pid, event)) return;
  core.set_cwd(*core.thread, Str(core.now.fd->name));
}

void on_chroot(StateCore& core, const EventView& event) {
  if (event.result() != 0 || core.is_settled(event.tid(), event)) return;
  Thread& thread = *core.thread;
  const Str path = core.intern(event.text(1));
  const bool absolute = !path.empty() && path.view().front() == '/';
  const Str root = absolute ? path : core.paths.join(core.cwd(thread), path);
  if (!(thread.root == root)) {
    thread.root = root;
    core.threads.changed(thread);
  }
  core.set_container(thread, event.ts_ns());
  core.note_users(thread);
}

}  // namespace gyr
