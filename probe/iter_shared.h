/* SPDX-License-Identifier: Apache-2.0
 * What the iterators (iter.bpf.c) write and src/source/iter_records.cpp reads: records one behind
 * the other, each with its size in front. C types only.
 */
#pragma once

#ifndef __bpf__
#include <linux/types.h>
#endif

#define GYR_NAME_MAX 4096 /* bytes of a path */

/* One thread. Numbers of processes are the host's unless they start with v. */
struct gyr_task_record {
  __u32 size; /* of all of it */
  __s32 tid, pid, ptid, pgid, sid, vtid, vpid, vpgid;
  __u32 uid, gid; /* effective */
  __u32 loginuid;
  __u32 tty;                /* as /proc/PID/stat has it */
  __u16 has_memory;         /* else it is a kernel thread, or has ended */
  __u16 has_root_of_reader; /* its root directory is that of the process that reads */
  char comm[16];
  __u64 start_ns; /* since boot */
  __u64 cap_inheritable, cap_permitted, cap_effective;
  __u64 min_flt, maj_flt;             /* of this thread */
  __u64 min_flt_ended, maj_flt_ended; /* of threads of its process that have ended */
  __u64 total_pages, resident_pages, swapped_pages;
  __u64 descriptor_limit; /* ~0: none */
  __u64 cgroups;          /* threads with the same number are in the same control groups */
};

enum gyr_file_kind { GYR_FILE_OTHER, GYR_FILE_SOCKET };

/* One descriptor of a process. The name follows: what readlink says of /proc/PID/fd/FD, or the
 * address of a unix socket as the kernel keeps it. */
struct gyr_file_record {
  __u32 size; /* with the name */
  __u32 name_size;
  __s32 pid;
  __u32 fd;
  __u32 flags; /* O_*, close-on-exec among them */
  __u32 mount_id;
  __u32 mode;   /* of the inode */
  __u32 device; /* of its file system, as the kernel writes it: 20 bits of minor number */
  __u64 ino;
  __u64 magic;       /* of its file system */
  __u16 kind;        /* gyr_file_kind */
  __u16 has_name;    /* 0: the kernel could not tell it */
  __u32 has_getattr; /* its file system answers stat(2) in its own way */
  /* Of a socket. Addresses in network order, ports in the host's. */
  __u16 family, type, protocol;
  __u8 state; /* of TCP */
  __u8 bound; /* netlink: it has an address */
  __u16 source_port, dest_port;
  __u16 number; /* the port, or of a raw socket the protocol */
  __u16 pad;
  __u8 source_ip[16], dest_ip[16];
  __u64 socket, peer; /* where they lie: how events tell unix sockets apart */
};
