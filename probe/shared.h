/* SPDX-License-Identifier: Apache-2.0
 * What the kernel side and the user side of the probe agree on. Read by both compilers: C types
 * only.
 */
#pragma once

#ifndef __bpf__
#include <linux/types.h>
#endif

#define GYR_CALLS 512         /* above every call number of the supported machines */
#define GYR_PREFIX 8          /* bytes in front of each record: struct gyr_prefix */
#define GYR_SNAPLEN_MAX 16000 /* bytes of a buffer that one event may carry at most */
#define GYR_PACKED 32         /* above every call within socketcall and ipc */
#define GYR_MACHINES 2        /* tables of calls: 0 the machine's own, 1 32-bit programs */

struct gyr_prefix {
  __u16 cpu;
  __u16 reserved;
  __u32 size; /* of the record that follows */
};

/* What becomes of a call: written by user space at any time. */
struct gyr_call {
  __u16 event; /* number of its exit event; 0: nobody wants it */
  __u16 sc;    /* portable number; 0: unknown */
};

/* One per CPU. What no event came of, by reason. */
struct gyr_counters {
  __u64 events; /* put into the ring */
  __u64 lost_ring_full;
  __u64 lost_too_big;
  __u64 unreadable;     /* parameters left empty because the caller's memory could not be read */
  __u64 unmapped_32bit; /* 32-bit calls without a portable number */
  __u64 x32;            /* calls of the x32 machine, which is not supported */
};

/* One per CPU: tells the reader which time the record under construction will carry (order of
 * events). */
struct gyr_progress {
  __u64 busy; /* 0: none; 1: one whose time is not known yet; else its time */
  __u64 pad[7];
};
