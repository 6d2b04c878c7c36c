// SPDX-License-Identifier: Apache-2.0
// io_uring by its raw calls, for tests: one ring of eight requests.
#pragma once

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace gyr::test {

class Uring {
 public:
  explicit Uring(unsigned flags = 0) {
    params_.flags = flags;
    params_.sq_thread_idle = 50;
    fd_ = static_cast<int>(syscall(SYS_io_uring_setup, 8, &params_));
    if (fd_ < 0) return;
    sq_ = map(params_.sq_off.array + params_.sq_entries * 4, IORING_OFF_SQ_RING);
    cq_ = map(params_.cq_off.cqes + params_.cq_entries * sizeof(io_uring_cqe), IORING_OFF_CQ_RING);
    sqes_ = reinterpret_cast<io_uring_sqe*>(
        map(params_.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
  }
  bool works() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  // A request to fill; it goes with the next submit().
  io_uring_sqe& request(unsigned operation, int fd) {
    const uint32_t tail = *at(sq_, params_.sq_off.tail) + prepared_++;
    const uint32_t index = tail & *at(sq_, params_.sq_off.ring_mask);
    at(sq_, params_.sq_off.array)[index] = index;
    io_uring_sqe& sqe = sqes_[index];
    std::memset(&sqe, 0, sizeof sqe);
    sqe.opcode = static_cast<uint8_t>(operation);
    sqe.fd = fd;
    sqe.user_data = tail;
    return sqe;
  }
  // Hands the requests in and waits for `completions`.
  void submit(unsigned completions) {
    const unsigned count = prepared_;
    uint32_t* tail = at(sq_, params_.sq_off.tail);
    __atomic_store_n(tail, *tail + count, __ATOMIC_RELEASE);
    prepared_ = 0;
    unsigned flags = completions ? IORING_ENTER_GETEVENTS : 0u;
    if (params_.flags & IORING_SETUP_SQPOLL) flags |= IORING_ENTER_SQ_WAKEUP;
    while (syscall(SYS_io_uring_enter, fd_, count, completions, flags, nullptr, 0) < 0 &&
           errno == EINTR) {
    }
  }
  // The result of the next completion; -1000 when there is none.
  int result() {
    uint32_t* head = at(cq_, params_.cq_off.head);
    if (*head == __atomic_load_n(at(cq_, params_.cq_off.tail), __ATOMIC_ACQUIRE)) return -1000;
    const auto* cqes = reinterpret_cast<const io_uring_cqe*>(cq_ + params_.cq_off.cqes);
    const int res = cqes[*head & *at(cq_, params_.cq_off.ring_mask)].res;
    __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
    return res;
  }
  // One request and its result.
  int now(io_uring_sqe&) {
    submit(1);
    return result();
  }
  // A table of `count` slots for files without descriptors.
  bool make_slots(unsigned count) {
    int none[16];
    std::memset(none, -1, sizeof none);
    return syscall(SYS_io_uring_register, fd_, IORING_REGISTER_FILES, none, count) == 0;
  }

 private:
  uint8_t* map(size_t size, off_t offset) const {
    return static_cast<uint8_t*>(
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_, offset));
  }
  static uint32_t* at(uint8_t* ring, uint32_t offset) {
    return reinterpret_cast<uint32_t*>(ring + offset);
  }
  io_uring_params params_{};
  int fd_ = -1;
  unsigned prepared_ = 0;
  uint8_t *sq_ = nullptr, *cq_ = nullptr;
  io_uring_sqe* sqes_ = nullptr;
};

inline uint64_t address_of(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

// Why requests cannot be made here; "" if they can.
inline const char* no_uring() {
  Uring ring;
  if (!ring.works()) return "this kernel or its settings have no io_uring";
  close(ring.fd());
  return "";
}

}  // namespace gyr::test
