// SPDX-License-Identifier: Apache-2.0
// gyr_live_uring MODE FILE: opens FILE for writing through io_uring. MODE: plain; async, by a
// worker of the kernel; sqpoll, by a thread of the kernel that polls; quiet, without a notice of
// success. Exit status 0: opened; 2: bad usage; 3: io_uring is not possible here.
#include <fcntl.h>

#include <cstdio>
#include <string_view>

#include "uring.h"

int main(int argc, char** argv) {
  const std::string_view mode = argc == 3 ? argv[1] : "";
  if (mode != "plain" && mode != "async" && mode != "sqpoll" && mode != "quiet") return 2;
  gyr::test::Uring ring(mode == "sqpoll" ? IORING_SETUP_SQPOLL : 0u);
  if (!ring.works()) return 3;
  io_uring_sqe& open = ring.request(IORING_OP_OPENAT, AT_FDCWD);
  open.addr = gyr::test::address_of(argv[2]);
  open.open_flags = O_WRONLY | O_CREAT;
  open.len = 0600;
  if (mode == "async") open.flags = IOSQE_ASYNC;
  if (mode == "quiet") {
    open.flags = 1u << 6;  // IOSQE_CQE_SKIP_SUCCESS
    ring.submit(0);
    return ring.result() == -1000 ? 0 : 1;
  }
  return ring.now(open) >= 0 ? 0 : 1;
}
