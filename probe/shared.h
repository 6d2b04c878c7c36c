/* SPDX-License-Identifier: Apache-2.0
 * What the kernel side and the user side of the probe agree on. Read by both compilers: C types
 * only.
 */
#pragma once

#ifndef __bpf__
#include <linux/types.h>
#endif

#define GYR_CALLS 512          /* above every call number of the supported machines */
#define GYR_PREFIX 8           /* bytes in front of each record: struct gyr_prefix */
#define GYR_SNAPLEN_MAX 16000  /* bytes of a buffer that one event may carry at most */
#define GYR_PACKED 32          /* above every call within socketcall and ipc */
#define GYR_OPERATIONS 64      /* above every operation of io_uring */
#define GYR_REQUESTS 32768     /* of io_uring that are followed at once */
#define GYR_REQUEST_NAMES 8192 /* names of files they carry */
#define GYR_MACHINES 2         /* tables of calls: 0 the machine's own, 1 32-bit programs */

struct gyr_prefix {
  __u16 cpu;
  __u16 note; /* bytes behind the record that are none of its parameters (struct gyr_note) */
  __u32 size; /* of the record that follows */
};

/* What the format has no parameter for. The path of the file that was opened follows, without a NUL
 * and not always. */
#define GYR_MARK_ARGS_CHANGED 1  /* what the memory held at the call's entry and exit differs */
#define GYR_MARK_NUMBER_REUSED 2 /* of a close: when it ended, the number was another file's */
struct gyr_note {
  __u8 marks; /* GYR_MARK_* */
};

/* What becomes of a call: written by user space at any time. */
struct gyr_call {
  __u16 event; /* number of its exit event; 0: nobody wants it */
  __u16 sc;    /* portable number; 0: unknown */
};

/* Rings come in two classes, so that a flood of bulk events costs no critical one
 * (src/schema/critical.def). */
enum gyr_class { GYR_BULK, GYR_CRITICAL_CLASS, GYR_CLASSES };
#define GYR_RING_PARTS 8 /* of a ring for bulk events, at most */
/* Why an event that was wanted did not reach the ring. */
enum gyr_reason {
  GYR_RING_FULL,
  GYR_TOO_BIG,
  GYR_NESTED,
  GYR_YIELDED,
  GYR_NOT_FOLLOWED,
  GYR_REASONS
};

/* One per CPU, written by that CPU alone (`rings` by user space before anything is attached). Once
 * `busy` is 0, all of it is true. */
struct gyr_cpu {
  /* The time that the record under construction will carry: 0: there is none; 1: its time is not
   * known yet. What orders events (src/source/ring_merge.h). */
  __u64 busy;
  __u64 seen; /* events that were wanted: those sent and those lost */
  __u64 sent;
  __u64 lost[GYR_CLASSES];
  __u64 yielded;        /* of these: lost by talkers while a ring was half full */
  __u64 shed;           /* given up on purpose (talkers in scratch.h) */
  __u64 unreadable;     /* parameters left empty because the caller's memory could not be read */
  __u64 unmapped_32bit; /* 32-bit calls without a portable number */
  __u64 x32;            /* calls of the x32 machine, which is not supported */
  __u64 unresolved;     /* opened files whose path was wanted and could not be told */
  __u64 changed;        /* events with GYR_MARK_ARGS_CHANGED */
  /* Numbers in the map of rings. The group's ring for bulk events is in `parts` parts, from `bulk`
   * on; this CPU begins with the `own`th. */
  struct {
    __u32 critical, bulk, parts, own;
  } rings;
  __u32 pad[4]; /* two cache lines, which no other CPU writes to */
};

/* One per CPU: lost events by reason and portable number of their call. */
struct gyr_losses {
  __u64 lost[GYR_REASONS][GYR_CALLS];
};

/* What a process lost; by its id. */
struct gyr_loser {
  __u64 count;
  __u64 first_ns; /* the first loss since user space looked last (gyr.bpf.c, losses_taken_ns) */
  __u64 last_ns;
};
#define GYR_LOSERS 4096
#define GYR_TALKERS 64 /* processes whose calls are given up under pressure, at most */
