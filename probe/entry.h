/* SPDX-License-Identifier: Apache-2.0
 * Arguments that change during a call. At the entry of the calls that are compared, the texts and
 * addresses that the rows of their event name are summed up and remembered by thread; at the exit,
 * what the record holds is summed up again. Nothing of this is attached unless somebody asks.
 */
#pragma once

#define REMEMBERED_MAX 16384

struct remembered {
  __u64 sums[SUMS_MAX]; /* 0: could not be read */
  __u32 nr;
  __u32 pad;
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, REMEMBERED_MAX);
  __type(key, __u32); /* thread */
  __type(value, struct remembered);
} remembered_calls SEC(".maps");

struct entry {
  struct remembered call;
  __u64 args[8];
  __u32 next; /* of the sums */
  __u32 pad;
  __u8 text[STRING_MAX + 8];
};
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct entry);
} entries SEC(".maps");

/* Written by user space: by number of call, of either machine, and by event. */
__u8 remembers[GYR_CALLS];
__u8 compares[EV_LIMIT];

static __always_inline struct entry* entry_of(void) {
  const __u32 zero = 0;
  return bpf_map_lookup_elem(&entries, &zero);
}

static __always_inline int is_text(__u32 spec) { return SPEC_TOKEN(spec) == COLLECT_str; }
static __always_inline int is_address(__u32 spec) {
  return SPEC_TOKEN(spec) == COLLECT_sockaddr ||
         (SPEC_TOKEN(spec) == COLLECT_tuple_out && SPEC_HAS_ARGUMENT(spec));
}

/* One word more; of the last one only the bytes that count. */
static __always_inline __u64 add_word(__u64 sum, __u64 word, __u32 left) {
  if (left < 8) word &= (1ull << (left * 8)) - 1;
  sum = (sum ^ word) * 0x9e3779b97f4a7c15ull;
  return sum ^ sum >> 32;
}

/* Bodies of loops, which the verifier looks at once. */
__noinline __u64 add_entry_word(__u64 sum, __u32 at, __u32 left) {
  const struct entry* e = entry_of();
  if (!e || at >= STRING_MAX) return 0;
  return add_word(sum, *(const __u64*)(e->text + at), left);
}
__noinline __u64 add_record_word(__u32 slot, __u64 sum, __u32 at, __u32 left) {
  const struct scratch* s = scratch_of(slot);
  if (!s || at >= EVENT_MAX + STRING_MAX) return 0;
  return add_word(sum, *(const __u64*)(s->data + at), left);
}

/* `size` bytes of the entry's text; never 0. */
__noinline __u64 sum_entry(__u32 size) {
  __u64 sum = size;
  for (__u32 at = 0; at < STRING_MAX; at += 8) {
    if (at >= size) break;
    sum = add_entry_word(sum, at, size - at);
  }
  return sum | 1;
}

/* The same of the record's bytes from `begin` to where it ends now. */
__noinline __u64 sum_record(__u32 slot, __u32 begin) {
  const struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  const __u32 size = s->off - begin;
  __u64 sum = size;
  for (__u32 at = 0; at < STRING_MAX; at += 8) {
    if (at >= size) break;
    sum = add_record_word(slot, sum, begin + at, size - at);
  }
  return sum | 1;
}

__noinline __u64 sum_text(__u64 at) {
  struct entry* e = entry_of();
  if (!e || !at) return 0;
  long size = bpf_probe_read_user_str(e->text, STRING_MAX, (const void*)at);
  if (size < 0) return 0;
  if (size == 0) e->text[0] = 0; /* as text_size() */
  return sum_entry(size ? (__u32)size : 1);
}

__noinline __u64 sum_address(__u64 at, __u64 length) {
  struct entry* e = entry_of();
  if (!e || !at || !length) return 0;
  const __u32 size = bounded(length, ADDRESS_MAX);
  if (bpf_probe_read_user(e->text, size, (const void*)at)) return 0;
  return sum_entry(size);
}

__noinline int remember_param(__u32 spec) {
  struct entry* e = entry_of();
  if (!e || (!is_text(spec) && !is_address(spec))) return 0;
  const __u32 argument = SPEC_ARGUMENT(spec);
  const __u32 next = e->next;
  if (next >= SUMS_MAX) return 0;
  e->next = next + 1;
  e->call.sums[next] = is_text(spec)
                           ? sum_text(e->args[argument])
                           : sum_address(e->args[argument], (__u32)e->args[(argument + 1) & 7]);
  return 0;
}

/* The arguments are in the entry. */
__noinline int remember_call(__u32 event, __u32 nr) {
  struct entry* e = entry_of();
  if (!e || event >= EV_LIMIT) return 0;
  const __u32 first = event_rows[event];
  const __u32 count = event_rows[event + 1] - first;
  const __u32 thread = (__u32)bpf_get_current_pid_tgid();
  __builtin_memset(&e->call, 0, sizeof(e->call));
  e->call.nr = nr;
  e->next = 0;
  for (__u32 i = 0; i < PARAMS_MAX; ++i) {
    __u32 row = first + i;
    OPAQUE(row);
    if (i >= count || row >= PARAMS) break;
    remember_param(param_rows[row].spec);
  }
  return (int)bpf_map_update_elem(&remembered_calls, &thread, &e->call, BPF_ANY);
}

static __always_inline void on_entry(const struct pt_regs* regs, __u32 nr) {
  struct task_struct* task = current_task();
  __u64 index = nr;
  OPAQUE(index);
  if (index >= GYR_CALLS || !remembers[index] || READ(task, tgid) == own_tgid) return;
  const int compat = is_32bit_call(task);
  const struct gyr_call call = compat ? calls[1][index] : calls[0][index];
  if (call.event >= EV_LIMIT || !compares[call.event]) return;
  hold_cpu();
  struct entry* e = entry_of();
  if (e) {
    read_arguments(e->args, regs, compat);
    e->args[6] = 0;
    e->args[7] = 0;
    remember_call(call.event, nr);
  }
  release_cpu();
}

/* Costs every call on the machine, so it is attached only when somebody asks. */
SEC(TRACEPOINT("sys_enter"))
int sys_enter(__u64* ctx) {
  on_entry((const void*)ctx[0], (__u32)ctx[1]);
  return 0;
}

/* What was remembered at the entry of the call that ends. */
static __always_inline void recall(struct scratch* s, __u32 nr) {
  const __u32 thread = (__u32)bpf_get_current_pid_tgid();
  const struct remembered* call = bpf_map_lookup_elem(&remembered_calls, &thread);
  if (!call) return;
  if (call->nr == nr) {
    __builtin_memcpy(s->sums, call->sums, sizeof(s->sums));
    s->compared = 1;
    s->next_sum = 0;
  }
  bpf_map_delete_elem(&remembered_calls, &thread);
}

/* A parameter whose bytes begin at `begin` has been written. */
__noinline int compare_param(__u32 slot, __u32 spec, __u32 begin) {
  struct scratch* s = scratch_of(slot);
  if (!s || (!is_text(spec) && !is_address(spec))) return 0;
  const __u32 next = s->next_sum;
  if (next >= SUMS_MAX) return 0;
  s->next_sum = next + 1;
  const __u64 before = s->sums[next];
  if (!before) return 0;
  const __u32 argument = SPEC_ARGUMENT(spec);
  const __u64 now = is_text(spec)
                        ? sum_record(slot, begin)
                        : sum_address(s->args[argument], (__u32)s->args[(argument + 1) & 7]);
  if (now != before) s->marks |= GYR_MARK_ARGS_CHANGED;
  return 0;
}
