/* SPDX-License-Identifier: Apache-2.0
 * From the kernel's flag values to the portable ones of the capture format (src/schema/flags.def).
 * Tables that are not named below have equal values on both sides.
 */
#pragma once

#define BIT(from, to) \
  if (value & (from)) out |= (to)

static __always_inline __u32 creation_flags(__u64 value) {
  __u32 out = 0;
  BIT(0x80000, 4096); /* O_CLOEXEC */
  BIT(0x800, 64);     /* O_NONBLOCK */
  BIT(OPEN_DIRECT, 512);
  return out;
}

static __always_inline int is_tmpfile(__u64 flags) {
  const __u32 bits = 0x400000 | OPEN_DIRECTORY;
  return (flags & bits) == bits; /* O_TMPFILE */
}

static __always_inline __u32 file_flags(__u64 value) {
  __u32 out = creation_flags(value);
  const __u32 access = value & 3;
  out |= access == 1 ? 2 : access == 2 ? 3 : 1;
  BIT(0x40, 4);    /* O_CREAT */
  BIT(0x400, 8);   /* O_APPEND */
  BIT(0x80, 32);   /* O_EXCL */
  BIT(0x200, 256); /* O_TRUNC */
  BIT(OPEN_LARGEFILE, 2048);
  BIT(OPEN_DIRECTORY, 1024);
  BIT(0x1000, 16);                                /* O_DSYNC */
  if ((value & 0x101000) == 0x101000) out |= 128; /* O_SYNC */
  if (is_tmpfile(value)) out |= 8192;
  return out;
}

static __always_inline __u32 clone_flags(__u64 value) {
  __u32 out = 0;
  BIT(0x400, 1);            /* CLONE_FILES */
  BIT(0x200, 2);            /* CLONE_FS */
  BIT(0x80000000, 4);       /* CLONE_IO */
  BIT(0x08000000, 8);       /* CLONE_NEWIPC */
  BIT(0x40000000, 16);      /* CLONE_NEWNET */
  BIT(0x00020000, 32);      /* CLONE_NEWNS */
  BIT(0x20000000, 64);      /* CLONE_NEWPID */
  BIT(0x04000000, 128);     /* CLONE_NEWUTS */
  BIT(0x8000, 256);         /* CLONE_PARENT */
  BIT(0x00100000, 512);     /* CLONE_PARENT_SETTID */
  BIT(0x2000, 1024);        /* CLONE_PTRACE */
  BIT(0x800, 2048);         /* CLONE_SIGHAND */
  BIT(0x00040000, 4096);    /* CLONE_SYSVSEM */
  BIT(0x00010000, 8192);    /* CLONE_THREAD */
  BIT(0x00800000, 16384);   /* CLONE_UNTRACED */
  BIT(0x100, 32768);        /* CLONE_VM */
  BIT(0x10000000, 1 << 20); /* CLONE_NEWUSER */
  BIT(0x00200000, 1 << 23); /* CLONE_CHILD_CLEARTID */
  BIT(0x01000000, 1 << 24); /* CLONE_CHILD_SETTID */
  BIT(0x00080000, 1 << 25); /* CLONE_SETTLS */
  BIT(0x4000, 1 << 27);     /* CLONE_VFORK */
  BIT(0x02000000, 1 << 28); /* CLONE_NEWCGROUP */
  return out;
}

static __always_inline __u32 mmap_flags(__u64 value) {
  __u32 out = value & 3; /* MAP_SHARED, MAP_PRIVATE; MAP_SHARED_VALIDATE is both */
  BIT(0x10, 4);          /* MAP_FIXED */
  BIT(0x20, 8);          /* MAP_ANONYMOUS */
  BIT(0x40, 16);         /* MAP_32BIT */
  BIT(0x4000, 64);       /* MAP_NORESERVE */
  BIT(0x8000, 128);      /* MAP_POPULATE */
  BIT(0x10000, 256);     /* MAP_NONBLOCK */
  BIT(0x100, 512);       /* MAP_GROWSDOWN */
  BIT(0x800, 1024);      /* MAP_DENYWRITE */
  BIT(0x1000, 2048);     /* MAP_EXECUTABLE */
  BIT(0x2000, 16384);    /* MAP_LOCKED */
  return out;
}

static __always_inline __u32 poll_flags(__u64 value) {
  __u32 out = value & 7;
  BIT(0x2000, 8);              /* POLLRDHUP */
  out |= (value & 0x3f8) << 1; /* POLLERR 8 … POLLWRBAND 0x200 */
  return out;
}

static __always_inline __u32 fcntl_command(__u32 value) {
  switch (value) {
    case 0:
      return 1; /* F_DUPFD */
    case 1:
      return 2; /* F_GETFD */
    case 2:
      return 3; /* F_SETFD */
    case 3:
      return 4; /* F_GETFL */
    case 4:
      return 5; /* F_SETFL */
    case 5:
      return 6; /* F_GETLK */
    case 6:
      return 8; /* F_SETLK */
    case 7:
      return 9; /* F_SETLKW */
    case 8:
      return 10; /* F_SETOWN */
    case 9:
      return 12; /* F_GETOWN */
    case 10:
      return 13; /* F_SETSIG */
    case 11:
      return 15; /* F_GETSIG */
    case 12:
      return 17; /* F_GETLK64 */
    case 13:
      return 18;
    case 14:
      return 19;
    case 15:
      return 21; /* F_SETOWN_EX */
    case 16:
      return 22;
    case 36:
      return 30; /* F_OFD_GETLK */
    case 37:
      return 31;
    case 38:
      return 32;
    case 1024:
      return 23; /* F_SETLEASE */
    case 1025:
      return 24;
    case 1026:
      return 27; /* F_NOTIFY */
    case 1029:
      return 25; /* F_CANCELLK */
    case 1030:
      return 26; /* F_DUPFD_CLOEXEC */
    case 1031:
      return 28; /* F_SETPIPE_SZ */
    case 1032:
      return 29;
    default:
      return 0;
  }
}

static __always_inline __u32 ptrace_request(__u32 value) {
  if (value == 0) return 1;         /* PTRACE_TRACEME */
  if (value <= 9) return value + 1; /* PEEKTEXT … SINGLESTEP */
  switch (value) {
    case 12:
      return 26; /* GETREGS */
    case 13:
      return 27;
    case 14:
      return 28; /* GETFPREGS */
    case 15:
      return 29;
    case 16:
      return 11; /* ATTACH */
    case 17:
      return 12;
    case 18:
      return 30; /* GETFPXREGS */
    case 19:
      return 31;
    case 21:
      return 32; /* OLDSETOPTIONS */
    case 24:
      return 13; /* SYSCALL */
    case 25:
      return 33; /* GET_THREAD_AREA */
    case 26:
      return 34;
    case 30:
      return 35; /* ARCH_PRCTL */
    case 31:
      return 36; /* SYSEMU */
    case 32:
      return 37;
    case 33:
      return 38; /* SINGLEBLOCK */
    default:
      break;
  }
  if (value >= 0x4200 && value <= 0x420b) {
    /* SETOPTIONS GETEVENTMSG GETSIGINFO SETSIGINFO GETREGSET SETREGSET SEIZE INTERRUPT LISTEN
       PEEKSIGINFO GETSIGMASK SETSIGMASK follow each other on both sides. */
    return 14 + (value - 0x4200);
  }
  return 0;
}

static __always_inline __u32 openat2_resolve(__u64 value) {
  __u32 out = 0;
  BIT(8, 1);     /* RESOLVE_BENEATH */
  BIT(0x10, 2);  /* RESOLVE_IN_ROOT */
  BIT(2, 4);     /* RESOLVE_NO_MAGICLINKS */
  BIT(4, 8);     /* RESOLVE_NO_SYMLINKS */
  BIT(1, 16);    /* RESOLVE_NO_XDEV */
  BIT(0x20, 32); /* RESOLVE_CACHED */
  return out;
}

static __always_inline __u32 semctl_command(__u32 value) {
  switch (value & ~0x100u) { /* IPC_64 */
    case 0:
      return 4; /* IPC_RMID */
    case 1:
      return 2; /* IPC_SET */
    case 2:
      return 1; /* IPC_STAT */
    case 3:
      return 8; /* IPC_INFO */
    case 11:
      return 256; /* GETPID */
    case 12:
      return 512; /* GETVAL */
    case 13:
      return 64; /* GETALL */
    case 14:
      return 128; /* GETNCNT */
    case 15:
      return 1024; /* GETZCNT */
    case 16:
      return 4096; /* SETVAL */
    case 17:
      return 2048; /* SETALL */
    case 18:
      return 32; /* SEM_STAT */
    case 19:
      return 16; /* SEM_INFO */
    default:
      return 0;
  }
}

/* The error code of the processor: what its bits say and what their absence says. */
static __always_inline __u32 page_fault_flags(__u64 value) {
  __u32 out = value & 1 ? 1 : 2; /* protection violated, or no page */
  out |= value & 2 ? 4 : 8;      /* write, read */
  out |= value & 4 ? 16 : 32;    /* user, supervisor */
  BIT(8, 64);                    /* reserved bits */
  BIT(16, 128);                  /* instruction */
  return out;
}

/* Without a type it is a regular file; types that no node has are left out. */
static __always_inline __u32 node_mode(__u32 value) {
  const __u32 type = value & 0170000;
  const int known =
      type == 0100000 || type == 0020000 || type == 0060000 || type == 0010000 || type == 0140000;
  return (value & 07777) | (type == 0 ? 0100000 : known ? type : 0);
}

static __always_inline __u32 several_bits(__u32 table, __u64 value) {
  __u32 out = 0;
  switch (table) {
    case TABLE_prot_flags:
      out = value & 15;
      BIT(0x01000000, 16); /* PROT_GROWSDOWN */
      BIT(0x02000000, 32); /* PROT_GROWSUP */
      return out;
    case TABLE_semop_flags:
      BIT(0x800, 1);  /* IPC_NOWAIT */
      BIT(0x1000, 2); /* SEM_UNDO */
      return out;
    case TABLE_semget_flags:
      BIT(0x200, 8192);  /* IPC_CREAT */
      BIT(0x400, 16384); /* IPC_EXCL */
      return out;
    case TABLE_delete_module_flags:
      BIT(0x800, 2); /* O_NONBLOCK */
      BIT(0x200, 1); /* O_TRUNC */
      return out;
    case TABLE_fchownat_flags:
      BIT(0x100, 1024); /* AT_SYMLINK_NOFOLLOW: this table's own number */
      BIT(0x1000, 4096);
      return out;
    default: /* io_uring_setup_flags */
      out = value & 3;
      out |= (value & 0x7c) << 1; /* SQ_AFF 4 … R_DISABLED 64: 4 is taken on our side */
      return out;
  }
}

/* `value` with the bits of the flag table. A function of its own to the verifier: checked once. */
__noinline __u64 map_flags(__u32 table, __u64 value) {
  switch (table) {
    case TABLE_file_flags:
      return file_flags(value);
    case TABLE_clone_flags:
      return clone_flags(value);
    case TABLE_mmap_flags:
      return mmap_flags(value);
    case TABLE_poll_flags:
      return poll_flags(value);
    case TABLE_fcntl_commands:
      return fcntl_command((__u32)value);
    case TABLE_ptrace_requests:
      return ptrace_request((__u32)value);
    case TABLE_pf_flags:
      return page_fault_flags(value);
    case TABLE_openat2_flags:
      return openat2_resolve(value);
    case TABLE_semctl_commands:
      return semctl_command((__u32)value);
    case TABLE_epoll_create1_flags:
      return (value & 0x80000) != 0;
    case TABLE_pidfd_open_flags:
      return (value & 0x800) != 0;
    case TABLE_rlimit_resources:
      return value <= 15 ? value : 255;
    case TABLE_prot_flags:
    case TABLE_semop_flags:
    case TABLE_semget_flags:
    case TABLE_delete_module_flags:
    case TABLE_fchownat_flags:
    case TABLE_io_uring_setup_flags:
      return several_bits(table, value);
    case TABLE_chmod_mode:
      return value & 07777;
    case TABLE_mknod_mode:
      return node_mode((__u32)value);
    case TABLE_shutdown_how:
      return value <= 2 ? value : 255;
    case TABLE_mount_flags: /* without the magic number that old programs add */
      return (value & 0xffff0000) == 0xc0ed0000 ? value & 0xffff : value;
    default:
      return value;
  }
}
