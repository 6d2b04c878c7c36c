/* SPDX-License-Identifier: Apache-2.0
 * The probe's collectors (probe/collect_*.h) compiled for user space: one and the same code reads
 * the rows of the schema for both drivers. What the kernel's structures tell the probe is asked of
 * the functions at the end, which the tracer defines (ptrace_answers.cpp). Read by both compilers:
 * C types only.
 */
#pragma once

#include <stdint.h>

#include "shared.h"

/* NOLINTBEGIN(readability-identifier-naming): the names are those of C */

#ifdef __cplusplus
extern "C" {
#endif

struct gyr_tracee;   /* the tracer's own idea of whom an event is about */
struct gyr_workshop; /* where a record is built */

/* What is known when a call ends. */
struct gyr_call_end {
  uint64_t ts_ns; /* since the epoch */
  uint64_t args[6];
  int64_t ret;
  int64_t tid;
  uint32_t nr;               /* of the machine the caller is of */
  uint32_t snap;             /* bytes of a buffer that are kept at most */
  uint16_t sc;               /* portable number */
  uint16_t event;            /* what is made of it */
  uint8_t compat;            /* a 32-bit caller */
  const char* exec_filename; /* of a successful exec, else null */
};

/* Null when there is no memory. */
struct gyr_workshop* gyr_workshop_new(void);
void gyr_workshop_delete(struct gyr_workshop* workshop);

/* Builds one record and gives its size; 0: it grew larger than a record may be. It is at *record
 * until the next call. Adds to *unreadable the parameters whose memory could not be read. */
uint32_t gyr_build_record(struct gyr_workshop* workshop, struct gyr_tracee* tracee,
                          const struct gyr_call_end* end, const uint8_t** record,
                          uint64_t* unreadable);

/* What becomes of each call, as the probe has it. */
struct gyr_calls {
  struct gyr_call calls[GYR_MACHINES][GYR_CALLS];
  struct gyr_call packed[2][GYR_PACKED]; /* within socketcall [0] and ipc [1] */
};
/* The call that a 32-bit program really makes; its arguments in *end are put in place. Adds to
 * *unmapped what has no portable number. */
struct gyr_call gyr_unpack_32bit(struct gyr_workshop* workshop, struct gyr_tracee* tracee,
                                 const struct gyr_calls* calls, struct gyr_call_end* end,
                                 uint64_t* unmapped);

/* What the tracer answers. `token` is one of enum Collect (schema/collect.def). */

/* 0, or -1 and nothing is read. */
int gyr_read_memory(struct gyr_tracee* tracee, void* to, uint32_t size, uint64_t from);
/* Up to and with the first NUL, which replaces the last byte of a longer text. Bytes written, or -1
 * when the memory cannot be read. */
long gyr_read_text(struct gyr_tracee* tracee, char* to, uint32_t size, uint64_t from);
/* Numbers of the task, of its program, of the file or socket in `fd`; 0 if they are not known. */
uint64_t gyr_answer(struct gyr_tracee* tracee, unsigned token, int64_t fd);
/* A text with its NUL, or several; at most `size` bytes. Bytes written, 0: not known. */
uint32_t gyr_answer_text(struct gyr_tracee* tracee, unsigned token, int64_t fd, char* to,
                         uint32_t size);
/* Where arguments [0, 1] and environment [2, 3] of the running program begin and end. */
void gyr_program_areas(struct gyr_tracee* tracee, uint64_t areas[4]);

/* Both ends of a socket; addresses in network order, ports in the host's. */
struct gyr_ends {
  uint16_t family; /* AF_UNIX, AF_INET or AF_INET6; 0: no such socket */
  uint16_t local_port, remote_port;
  uint8_t local[16], remote[16];
  uint32_t local_name_size, remote_name_size; /* of a unix socket, without its family */
  char local_name[108], remote_name[108];
};
void gyr_socket_ends(struct gyr_tracee* tracee, int64_t fd, struct gyr_ends* ends);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming) */
