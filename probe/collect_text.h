/* SPDX-License-Identifier: Apache-2.0
 * Group `text` of src/schema/collect.def: texts and buffers the caller keeps in memory, cut to the
 * snap length.
 */
#pragma once

#define SEGMENTS_MAX 128       /* of an iovec whose bytes are looked at */
#define SEGMENT_SIZES_MAX 1024 /* of an iovec that are counted: more the kernel refuses */
#define POLL_MAX 48
#define POLL_ENTRY 10 /* bytes of one in the parameter */

#ifdef __bpf__
const volatile __u32 snaplen = 80;
#endif

static __always_inline __u64 at_most(__u64 size, __u64 limit) {
  return size < limit ? size : limit;
}

/* The next segment of an iovec; nonzero: no more. The bodies of loops are functions of their own
 * and their state is in the scratch, so that the verifier looks at them once. */
__noinline int gather_segment(__u32 slot, __u64 iov, __u32 index) {
  struct scratch* s = scratch_of(slot);
  if (!s || s->left == 0) return 1;
  const __u64 base = user_long(s, iov, index * 2);
  const __u64 size = at_most(user_long(s, iov, index * 2 + 1), s->left);
  const __u32 before = s->off;
  put_user_bytes(s, base, size);
  s->left -= (__u32)size;
  return s->off == before && size != 0;
}

/* Gathers `want` bytes through an iovec. */
__noinline int gather(__u32 slot, __u64 iov, __u64 count, __u64 want) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  s->left = (__u32)at_most(want, snaplen);
  for (__u32 i = 0; i < SEGMENTS_MAX; ++i) {
    if (i >= count || gather_segment(slot, iov, i)) break;
  }
  return 0;
}

__noinline __u64 segment_size(__u32 slot, __u64 iov, __u32 index) {
  struct scratch* s = scratch_of(slot);
  return s ? user_long(s, iov, index * 2 + 1) : 0;
}

__noinline __u64 iov_total(__u32 slot, __u64 iov, __u64 count) {
  __u64 total = 0;
  for (__u32 i = 0; i < SEGMENT_SIZES_MAX; ++i) {
    if (i >= count) break;
    total += segment_size(slot, iov, i);
  }
  return total;
}

/* Fills s->message from the struct msghdr at `at`. */
__noinline int load_message(__u32 slot, __u64 at) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  s->message.name = user_long(s, at, 0);
  if (s->compat) { /* seven words */
    s->message.namelen = user_word(at, 1);
    s->message.iov = user_word(at, 2);
    s->message.iovlen = user_word(at, 3);
    s->message.control = user_word(at, 4);
    s->message.controllen = user_word(at, 5);
  } else {
    s->message.namelen = user_word(at, 2);
    s->message.iov = user_long(s, at, 2);
    s->message.iovlen = user_long(s, at, 3);
    s->message.control = user_long(s, at, 4);
    s->message.controllen = user_long(s, at, 5);
  }
  return 0;
}

__noinline int put_poll(__u32 slot, __u64 at) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  __u64 entry = 0; /* struct pollfd: int fd, short events, short revents */
  if (bpf_probe_read_user(&entry, 8, (const void*)at)) {
    s->unreadable++;
    return 1;
  }
  put(s, (__s64)(__s32)entry, 8);
  return put(s, poll_flags(entry >> 48), 2);
}

__noinline int collect_fd_list(__u32 slot, __u32 argument) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  const __u64 at = s->args[argument & 7];
  const __u64 count = at_most((__u32)s->args[(argument + 1) & 7], POLL_MAX);
  const __u32 begin = s->off;
  put(s, 0, 2);
  if (!at) return 0;
  for (__u32 i = 0; i < POLL_MAX; ++i) {
    if (i >= count || put_poll(slot, at + i * 8)) break;
  }
  if (begin < EVENT_MAX) *(__u16*)(s->data + begin) = (__u16)((s->off - begin - 2) / POLL_ENTRY);
  return 0;
}

static __always_inline int keyctl_is_text(__u32 operation, __u32 argument) {
  switch (operation) {
    case 1:
      return argument == 1; /* JOIN_SESSION_KEYRING */
    case 10:
      return argument == 2 || argument == 3; /* SEARCH */
    case 29:
      return argument == 2 || argument == 3; /* RESTRICT_KEYRING */
    case 24:
    case 25:
    case 26:
    case 27:
    case 28:
      return argument == 3; /* PKEY_* */
    default:
      return 0;
  }
}

__noinline int collect_variant(__u32 slot, __u32 token, __u32 argument) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  const __u64 arg = s->args[argument & 7];
  const __u32 request = (__u32)s->args[0];
  if (token == COLLECT_keyctl) {
    const int text = keyctl_is_text(request, argument) && arg;
    put(s, text, 1);
    if (text)
      put_user_text(s, arg);
    else
      put(s, arg >> 32 ? arg : (__u64)(__s64)(__s32)arg,
          8); /* special keyrings are negative ints */
    return 0;
  }
  if (token == COLLECT_ptrace_addr || s->ret < 0) {
    put(s, 0, 1);
    return put(s, s->ret < 0 ? 0 : arg, 8);
  }
  const int resumes = request == 7 || request == 9 || request == 17 || request == 24 ||
                      request == 31 || request == 32 ||
                      request == 33; /* CONT, SINGLESTEP, DETACH, SYSCALL, SYSEMU… */
  if (resumes) {
    put(s, 1, 1);
    return put(s, arg, 1);
  }
  put(s, 0, 1);
  if (request >= 1 && request <= 3) return put(s, user_long(s, arg, 0), 8); /* PEEK* */
  return put(s, arg, 8);
}

static __always_inline int is_fsconfig_text(__u32 command) {
  return command == 1 || command == 3 || command == 4; /* SET_STRING, SET_PATH, SET_PATH_EMPTY */
}

static __always_inline int text_param(__u32 slot, struct scratch* s, __u32 spec) {
  const __u32 argument = SPEC_ARGUMENT(spec);
  const __u64 at = s->args[argument];
  const __u64 next = s->args[(argument + 1) & 7];
  const __u32 width = SPEC_WIDTH(spec);
  const __u32 token = SPEC_TOKEN(spec);
  const __s64 ret = s->ret;
  const __u64 moved = ret > 0 ? ret : 0;
  switch (token) {
    case COLLECT_str:
      put_user_text(s, at);
      return 0;
    case COLLECT_str_ok:
      if (ret >= 0) put_user_text(s, at);
      return 0;
    case COLLECT_data_in:
      put_user_bytes(s, at, at_most(moved, snaplen));
      return 0;
    case COLLECT_data_out:
      put_user_bytes(s, at, at_most(ret > 0 ? moved : next, snaplen));
      return 0;
    case COLLECT_iov_in:
      return gather(slot, at, next, moved);
    case COLLECT_iov_out:
      return gather(slot, at, next, ret > 0 ? moved : ~0ull);
    case COLLECT_iov_in_size:
      return put(s, moved, width);
    case COLLECT_iov_out_size:
      return put(s, iov_total(slot, at, next), width);
    case COLLECT_msg_in_size:
      return put(s, moved, width);
    case COLLECT_msg_out_size:
      load_message(slot, at);
      return put(s, iov_total(slot, s->message.iov, s->message.iovlen), width);
    case COLLECT_msg_in:
      load_message(slot, at);
      return gather(slot, s->message.iov, s->message.iovlen, moved);
    case COLLECT_msg_out:
      load_message(slot, at);
      return gather(slot, s->message.iov, s->message.iovlen, ret > 0 ? moved : ~0ull);
    case COLLECT_msg_control:
      load_message(slot, at);
      if (ret >= 0) put_user_bytes(s, s->message.control, at_most(s->message.controllen, snaplen));
      return 0;
    case COLLECT_fd_list:
      return collect_fd_list(slot, argument);
    case COLLECT_prctl_str:
      if ((__u32)s->args[0] == 15 || (__u32)s->args[0] == 16) put_user_text(s, at); /* PR_*_NAME */
      return 0;
    case COLLECT_fsconfig_bytes:
      if (ret >= 0 && (__u32)s->args[1] == 2)
        put_user_bytes(s, at, at_most((__u32)next, snaplen)); /* SET_BINARY */
      return 0;
    case COLLECT_fsconfig_str:
      if (ret >= 0 && is_fsconfig_text((__u32)s->args[1])) put_user_text(s, at);
      return 0;
    case COLLECT_quota_special:
      put_user_text(s, at);
      return 0;
    case COLLECT_quota_path:
      if (((__u32)s->args[0] >> 8) == 0x800002) put_user_text(s, at); /* Q_QUOTAON */
      return 0;
    default:
      return collect_variant(slot, token, argument);
  }
}

__noinline int collect_text(__u32 slot, __u32 spec) {
  struct scratch* s = scratch_of(slot);
  return s ? text_param(slot, s, spec) : 0;
}
