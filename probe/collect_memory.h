/* SPDX-License-Identifier: Apache-2.0
 * Group `memory` of src/schema/collect.def: numbers the caller keeps in memory. What cannot be read
 * is 0.
 */
#pragma once

/* 32-bit calls whose memory is not what 32-bit callers of the same event have. */
#define NR32_GETRESUID 165 /* ids of 16 bits */
#define NR32_GETRESGID 171
#define NR32_SENDFILE 187     /* an offset of 32 bits */
#define NR32_PPOLL_TIME64 414 /* times of 64 bits */

static __always_inline __u64 nanoseconds(const struct scratch* s, __u64 at) {
  if (!at) return 0;
  if (s->compat && s->nr == NR32_PPOLL_TIME64)
    return user_wide(at, 0) * 1000000000ull + user_wide(at, 1);
  return user_long(s, at, 0) * 1000000000ull + user_long(s, at, 1);
}

static __always_inline __u32 first_word(const struct scratch* s, __u64 at) {
  const __u32 word = user_word(at, 0);
  return s->compat && (s->nr == NR32_GETRESUID || s->nr == NR32_GETRESGID) ? word & 0xffff : word;
}

/* An offset in a file. */
static __always_inline __u64 offset_at(const struct scratch* s, __u64 at) {
  return s->compat && s->nr == NR32_SENDFILE ? user_word(at, 0) : user_wide(at, 0);
}

/* RLIM_INFINITY of either caller is -1, and so is what cannot be read: no limit is told. */
static __always_inline __u64 resource_limit(const struct scratch* s, __u64 at, __u32 index) {
  if (!at) return ~0ull;
  if (s->compat && s->nr != 340) { /* 340: prlimit64, wide for every caller */
    __u32 narrow = 0;
    if (bpf_probe_read_user(&narrow, 4, (const void*)(at + index * 4))) return ~0ull;
    return narrow == ~0u ? ~0ull : narrow;
  }
  __u64 wide = 0;
  if (bpf_probe_read_user(&wide, 8, (const void*)(at + index * 8))) return ~0ull;
  return wide;
}

static __always_inline __s64 pair(const struct scratch* s, __u64 at, __u32 index) {
  if (s->ret != 0) return -1;
  __s32 fd = -1;
  bpf_probe_read_user(&fd, 4, (const void*)(at + index * 4));
  return fd;
}

static __always_inline __u16 semaphore(const struct scratch* s, __u64 at, __u32 index, __u32 word) {
  __u16 value = 0; /* struct sembuf: three u16 */
  if (index >= (__u32)s->args[2]) return 0;
  bpf_probe_read_user(&value, 2, (const void*)(at + index * 6 + word * 2));
  return value;
}

static __always_inline __s64 prctl_number(__u32 option, __u64 arg) {
  if (option == 15 || option == 16) return 0; /* PR_SET_NAME, PR_GET_NAME: a text */
  if (option != 37) return (__s64)arg;        /* PR_GET_CHILD_SUBREAPER writes an int */
  return user_word(arg, 0);
}

/* quotactl: argument 0 is command << 8 | type. */
static __always_inline __u64 quota_command(__u32 cmd) {
  switch (cmd) {
    case 0x800002:
      return 1; /* Q_QUOTAON */
    case 0x800003:
      return 2;
    case 0x800004:
      return 4; /* Q_GETFMT */
    case 0x800005:
      return 8;
    case 0x800006:
      return 16;
    case 0x800007:
      return 32; /* Q_GETQUOTA */
    case 0x800008:
      return 64;
    case 0x800001:
      return 128; /* Q_SYNC */
    case 0x5801:
      return 256; /* Q_XQUOTAON */
    case 0x5802:
      return 512;
    case 0x5803:
      return 1024;
    case 0x5804:
      return 2048;
    case 0x5805:
      return 4096;
    case 0x5806:
      return 8192;
    case 0x5807:
      return 16384;
    case 0x5808:
      return 32768;
    default:
      return 0;
  }
}
static __always_inline __u64 quota_format(__u32 id) {
  return id == 1 ? 2 : id == 2 ? 4 : id == 4 ? 8 : 1; /* QFMT_VFS_OLD, V0, V1, NOT_USED */
}

#define Q_GETINFO 0x800005
#define Q_SETINFO 0x800006
#define Q_GETQUOTA 0x800007
#define Q_SETQUOTA 0x800008
#define Q_XGETQUOTA 0x5803
#define Q_XSETQLIM 0x5804
#define SETVAL 16

/* A u64 of struct if_dqblk, if the bit of its dqb_valid says that it means something. */
static __always_inline __u64 quota_value(const struct scratch* s, __u32 index, __u32 bit) {
  const __u32 cmd = (__u32)s->args[0] >> 8;
  if (cmd != Q_SETQUOTA && !(cmd == Q_GETQUOTA && s->ret == 0)) return 0;
  return user_word(s->args[3], 16) & bit ? user_wide(s->args[3], index) : 0;
}
/* The same of struct if_dqinfo and its dqi_valid. */
static __always_inline __u64 quota_info(const struct scratch* s, __u32 index, __u32 bit) {
  const __u32 cmd = (__u32)s->args[0] >> 8;
  if (cmd != Q_SETINFO && !(cmd == Q_GETINFO && s->ret == 0)) return 0;
  return user_word(s->args[3], 5) & bit ? user_wide(s->args[3], index) : 0;
}
static __always_inline int names_an_owner(__u32 cmd) {
  return cmd == Q_GETQUOTA || cmd == Q_SETQUOTA || cmd == Q_XGETQUOTA || cmd == Q_XSETQLIM;
}

__noinline __u64 quota_number(__u32 slot, __u32 token) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  const __u32 raw = (__u32)s->args[0];
  const __u32 cmd = raw >> 8;
  const __u64 at = s->args[3];
  switch (token) {
    case COLLECT_quota_cmd:
      return quota_command(cmd);
    case COLLECT_quota_type:
      return (raw & 0xff) == 0 ? 1 : (raw & 0xff) == 1 ? 2 : 0;
    case COLLECT_quota_id:
      return names_an_owner(cmd) ? (__u32)s->args[2] : 0;
    case COLLECT_quota_fmt:
      return cmd == 0x800002 ? quota_format((__u32)s->args[2]) : 1;
    case COLLECT_quota_fmt_out:
      return cmd == 0x800004 && s->ret == 0 ? quota_format(user_word(at, 0)) : 1;
    case COLLECT_quota_bhardlimit:
      return quota_value(s, 0, 1);
    case COLLECT_quota_bsoftlimit:
      return quota_value(s, 1, 1);
    case COLLECT_quota_curspace:
      return quota_value(s, 2, 2);
    case COLLECT_quota_ihardlimit:
      return quota_value(s, 3, 4);
    case COLLECT_quota_isoftlimit:
      return quota_value(s, 4, 4);
    case COLLECT_quota_btime:
      return quota_value(s, 6, 16);
    case COLLECT_quota_itime:
      return quota_value(s, 7, 32);
    case COLLECT_quota_bgrace:
      return quota_info(s, 0, 1);
    case COLLECT_quota_igrace:
      return quota_info(s, 1, 2);
    default:
      return quota_info(s, 2, 4) & 1 ? 2 : 0; /* DQF_ROOT_SQUASH */
  }
}

__noinline int collect_memory(__u32 slot, __u32 spec) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  const __u64 at = s->args[SPEC_ARGUMENT(spec)];
  const __u32 width = SPEC_WIDTH(spec);
  const __u32 token = SPEC_TOKEN(spec);
  switch (token) {
    case COLLECT_u32_at:
      return put(s, at ? first_word(s, at) : 0, width);
    case COLLECT_u32_at_1:
      return put(s, user_word(at, 1), width);
    case COLLECT_u32_at_3:
      return put(s, user_word(at, 3), width);
    case COLLECT_u32_at_4:
      return put(s, user_word(at, 4), width);
    case COLLECT_flags_at_2:
      return put(s, map_flags(SPEC_TABLE(spec), user_word(at, 2)), width);
    case COLLECT_flags_at_5:
      return put(s, map_flags(SPEC_TABLE(spec), user_word(at, 5)), width);
    case COLLECT_u64_at:
      return put(s, at ? offset_at(s, at) : 0, width);
    case COLLECT_fd_pair_0:
      return put(s, pair(s, at, 0), width);
    case COLLECT_fd_pair_1:
      return put(s, pair(s, at, 1), width);
    case COLLECT_timespec:
      return put(s, nanoseconds(s, at), width);
    case COLLECT_rlimit_cur:
      return put(s, resource_limit(s, at, 0), width);
    case COLLECT_rlimit_max:
      return put(s, resource_limit(s, at, 1), width);
    case COLLECT_rlimit_got_cur:
      return put(s, s->ret < 0 ? ~0ull : resource_limit(s, at, 0), width);
    case COLLECT_rlimit_got_max:
      return put(s, s->ret < 0 ? ~0ull : resource_limit(s, at, 1), width);
    case COLLECT_semctl_val:
      return put(s, (__u32)s->args[2] == SETVAL ? (__s64)(__s32)at : 0, width);
    case COLLECT_how_mode:
      return put(s, passed_wide(s, at, 1) & 07777, width);
    case COLLECT_how_resolve:
      return put(s, openat2_resolve(passed_wide(s, at, 2)), width);
    case COLLECT_clone3_flags: {
      const __u64 shared = task_number(slot, COLLECT_clone3_flags);
      const __u64 flags = shared ? shared : clone_flags(user_wide(at, 0));
      return put(s, task_number(slot, COLLECT_clone_flags) | flags, width);
    }
    case COLLECT_sem_num_0:
      return put(s, semaphore(s, at, 0, 0), width);
    case COLLECT_sem_op_0:
      return put(s, semaphore(s, at, 0, 1), width);
    case COLLECT_sem_flg_0:
      return put(s, map_flags(TABLE_semop_flags, semaphore(s, at, 0, 2)), width);
    case COLLECT_sem_num_1:
      return put(s, semaphore(s, at, 1, 0), width);
    case COLLECT_sem_op_1:
      return put(s, semaphore(s, at, 1, 1), width);
    case COLLECT_sem_flg_1:
      return put(s, map_flags(TABLE_semop_flags, semaphore(s, at, 1, 2)), width);
    case COLLECT_prctl_int:
      return put(s, prctl_number((__u32)s->args[0], at), width);
    default:
      return put(s, quota_number(slot, token), width);
  }
}
