/* SPDX-License-Identifier: Apache-2.0
 * Group `task` of src/schema/collect.def: program, arguments, environment, cgroups. Lists are texts
 * that each end in NUL, at most 4096 bytes together.
 */
#pragma once

#define LIST_MAX 4096
#define LIST_TEXTS_MAX 64

/* `size` bytes of the program's own memory, cut to LIST_MAX, with a NUL at the end. */
static __always_inline void put_list(struct scratch* s, __u64 from, __u64 to) {
  if (to <= from) return;
  __u32 off;
  __u8* at = room(s, &off);
  if (!at) return;
  const __u32 size = bounded(to - from, LIST_MAX);
  if (bpf_probe_read_user(at, size, (const void*)from)) {
    s->unreadable++;
    return;
  }
  const __u32 last = off + size - 1;
  if (last < sizeof(s->data)) s->data[last] = 0;
  s->off = off + size;
}

/* First argument, or the rest of them, of the running program. */
static __always_inline int put_arguments(struct scratch* s, struct task_struct* task, int rest) {
  struct mm_struct* mm = READ(task, mm);
  if (!mm) return 0;
  const __u64 start = READ(mm, arg_start);
  const __u64 end = READ(mm, arg_end);
  __u32 off;
  __u8* at = room(s, &off);
  if (!at || start >= end) return 0;
  const long size = text_size(at, bpf_probe_read_user_str(at, STRING_MAX, (const void*)start));
  if (size <= 0) {
    s->unreadable++;
    return 0;
  }
  if (!rest)
    s->off = off + (__u32)size;
  else
    put_list(s, start + (__u32)size, end);
  return 0;
}

static __always_inline void put_environment(struct scratch* s, struct mm_struct* mm) {
  if (mm) put_list(s, READ(mm, env_start), READ(mm, env_end));
}

/* One text of such an array, as long as s->left allows; nonzero: no more. */
__noinline int put_pointed_text(__u32 slot, __u64 array, __u32 index) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 1;
  const __u64 text = user_long(s, array, index);
  const __u32 before = s->off;
  if (!text) return 1;
  put_user_text(s, text);
  const __u32 size = s->off - before;
  if (size < s->left) {
    s->left -= size;
    return size == 0;
  }
  const __u32 last = before + s->left - 1;
  s->off = last + 1;
  if (last < sizeof(s->data)) s->data[last] = 0;
  return 1;
}

/* The texts that an array of pointers in the caller's memory names, from `first` on. */
__noinline int put_pointed(__u32 slot, __u64 array, __u32 first, __u32 most) {
  struct scratch* s = scratch_of(slot);
  if (!s || !array) return 0;
  s->left = LIST_MAX;
  for (__u32 i = 0; i < LIST_TEXTS_MAX; ++i) {
    if (i >= most || put_pointed_text(slot, array, first + i)) break;
  }
  return 0;
}

#ifdef __bpf__ /* what only the kernel knows; src/source/ptrace_collect.c answers elsewhere */
/* One step up from the cgroup directory s->walk_node; 0: there may be more. See step_up. */
__noinline int step_up_cgroup(__u32 slot) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 1;
  struct kernfs_node* node = s->walk_node;
  struct kernfs_node* parent = 0;
  if (bpf_core_field_exists(node->__parent)) {
    parent = BPF_CORE_READ(node, __parent);
  } else {
    struct kernfs_node___old* old = (void*)node;
    parent = BPF_CORE_READ(old, parent);
  }
  const __u32 count = s->walk_count;
  if (!parent || count >= WALK_MAX) return 1;
  s->names[count] = BPF_CORE_READ(node, name);
  s->walk_count = count + 1;
  s->walk_node = parent;
  return 0;
}

/* The path of the task's cgroup for a controller (the kernel's index), with its NUL. */
__noinline int put_cgroup(__u32 slot, __u32 subsystem) {
  struct scratch* s = scratch_of(slot);
  struct cgroup_subsys_state* state = 0;
  if (!s) return 0;
  struct css_set* cgroups = BPF_CORE_READ(task_of(s), cgroups); /* see innermost_nr */
  if (!cgroups) return 0;
  bpf_probe_read_kernel(&state, sizeof(state),
                        (const void*)&cgroups->subsys + (subsystem & 31) * 8);
  s->walk_node = BPF_CORE_READ(state, cgroup, kn);
  s->walk_count = 0;
  for (__u32 i = 0; i < WALK_MAX; ++i) {
    if (step_up_cgroup(slot)) break;
  }
  return write_names(slot, s->walk_count);
}

static __always_inline void put_controller(struct scratch* s, const char* name, __u32 size) {
  __u32 off;
  __u8* at = room(s, &off);
  if (!at) return;
  __builtin_memcpy(at, name, size);
  s->off = off + size;
}

#define CGROUP(name)                                                              \
  if (bpf_core_enum_value_exists(enum cgroup_subsys_id, name##_cgrp_id)) {        \
    put_controller(s, #name "=", sizeof(#name "=") - 1);                          \
    put_cgroup(slot, bpf_core_enum_value(enum cgroup_subsys_id, name##_cgrp_id)); \
  }

__noinline int collect_cgroups(__u32 slot) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  s->left = LIST_MAX;
  CGROUP(cpuset)
  CGROUP(cpu)
  CGROUP(cpuacct)
  CGROUP(io)
  CGROUP(memory)
  return 0;
}
#endif

__noinline int collect_task(__u32 slot, __u32 spec) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  struct task_struct* task = task_of(s);
  const __u64 arg = s->args[SPEC_ARGUMENT(spec)];
  const int done = s->ret == 0;
  switch (SPEC_TOKEN(spec)) {
    case COLLECT_exe:
      return s->ret < 0 ? 0 : put_arguments(s, task, 0);
    case COLLECT_args:
      return s->ret < 0 ? 0 : put_arguments(s, task, 1);
    case COLLECT_exec_exe:
      return done ? put_arguments(s, task, 0) : put_pointed(slot, arg, 0, 1);
    case COLLECT_exec_args:
      return done ? put_arguments(s, task, 1) : put_pointed(slot, arg, 1, LIST_TEXTS_MAX);
    case COLLECT_exec_env:
      if (!done) return put_pointed(slot, arg, 0, LIST_TEXTS_MAX);
      put_environment(s, READ(task, mm));
      return 0;
    case COLLECT_comm:
      put_kernel_text(s, &task->comm, 16);
      return 0;
    case COLLECT_exec_filename:
      if (s->exec_filename)
        put_kernel_text(s, s->exec_filename, STRING_MAX);
      else if (!done)
        put_user_text(s, arg);
      return 0;
    case COLLECT_cgroups:
      return collect_cgroups(slot);
    default:
      return 0;
  }
}
