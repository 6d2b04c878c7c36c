// SPDX-License-Identifier: Apache-2.0
// The kernel side of live capture: at the exit of a wanted system call it builds the event record
// that the schema's rows describe and puts it into the ring. exec and exit of processes come from
// their own tracepoints. docs/live.md tells the whole; the rows are in src/schema/events.def.
#include <linux/bpf.h>
//
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "shared.h"
#include "vmlinux_min.h"
//
#include "reading.h"
//
#if defined(__TARGET_ARCH_arm64)
#include "machine_arm64.h"
#else
#include "machine_x86.h"
#endif
//
#include "tables.h"
//
#include "scratch.h"
//
#include "flags.h"
//
#include "collect_scalar.h"
//
#include "collect_memory.h"
//
#include "collect_text.h"
//
#include "collect_file.h"
//
#include "collect_socket.h"
//
#include "collect_task.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define SIGCHLD 17
#define SI_USER 0
#define SI_QUEUE -1
#define SI_MESGQ -3
#define SI_TKILL -6
#define PARAMS_MAX 32
#define MESSAGES_MAX 1024 /* of one sendmmsg or recvmmsg: the kernel takes no more */

const volatile __u32 own_tgid = 0;
const volatile __u64 boot_to_epoch_ns = 0;
const volatile __u8 drop_failed = 0;  // failed calls are none of our business

// Which numbers of calls are worth a look, on either machine: most calls that come by are not.
__u8 looks[GYR_CALLS];
// What becomes of each call: [0] by this machine's numbers, [1] by those of 32-bit programs.
struct gyr_call calls[GYR_MACHINES][GYR_CALLS];
// The calls within socketcall [0] and ipc [1].
struct gyr_call packed_calls[2][GYR_PACKED];
__u32 process_exit_wanted;
__u32 exec_by_tracepoint;  // a successful exec comes from its tracepoint, not from the call's exit
__u8 shed_calls[GYR_CALLS];  // by portable number
// By event: whether the path of the file it opened is wanted, which the format has no place for.
__u8 wants_path[EV_LIMIT];
__u32 has_talkers;
__u64 losses_taken_ns;  // by the reader: losses until then are known to it
__u32 reader_asleep;    // set by the reader; the next record takes it back and wakes it

#include "entry.h"

#define VOLATILE(place) (*(volatile __typeof__(place)*)&(place))

// For a process, whose descriptors the reader does not trust any more. Its losses come from any CPU
// and in no order of time: an event carries that of its beginning.
__noinline int note_loser(__u64 ts) {
  const __u32 tgid = bpf_get_current_pid_tgid() >> 32;
  struct gyr_loser* loser = bpf_map_lookup_elem(&losers, &tgid);
  if (!loser) {
    const struct gyr_loser first = {.count = 1, .first_ns = ts, .last_ns = ts};
    if (!bpf_map_update_elem(&losers, &tgid, &first, BPF_NOEXIST)) return 0;
    loser = bpf_map_lookup_elem(&losers, &tgid); /* another CPU was faster */
    if (!loser) return 0;
  }
  const __u64 first_ns = loser->first_ns;
  if (first_ns <= losses_taken_ns || first_ns > ts) loser->first_ns = ts;
  if (loser->last_ns < ts) loser->last_ns = ts;
  __sync_fetch_and_add(&loser->count, 1);
  return 0;
}

__noinline int count_lost(__u32 slot, __u32 event, __u32 sc, __u32 reason) {
  struct gyr_cpu* cpu = cpu_of(slot);
  struct gyr_losses* mine = bpf_map_lookup_elem(&losses, &slot);
  if (!cpu || !mine || event >= EV_LIMIT || sc >= GYR_CALLS || reason >= GYR_REASONS) return 0;
  cpu->lost[event_class[event] & 1]++;
  mine->lost[reason][sc]++;
  if (reason == GYR_YIELDED) cpu->yielded++;
  return 0;
}

// An event that was wanted will not reach the reader: noted for its process, and counted by class,
// reason and call. In this order: the reader finds no loss whose process is still to be noted.
static __always_inline void lose(__u32 slot, __u32 event, __u32 sc, __u32 reason, __u64 ts) {
  note_loser(ts);
  count_lost(slot, event, sc, reason);
}

// Starts a record. The reader of the rings must know the time a record will carry before anything
// later is released, so the CPU says "one is being built" before the clock is read. Another program
// may interrupt the building of a record (reading the caller's memory raises page faults); what it
// wanted to report is lost.
static __always_inline struct scratch* begin(__u32 slot, __u32 event, __u32 sc) {
  hold_cpu();
  struct gyr_cpu* cpu = cpu_of(slot);
  struct scratch* s = scratch_of(slot);
  if (!cpu || !s) {
    release_cpu();
    return 0;
  }
  if (VOLATILE(cpu->busy)) {
    cpu->seen++;
    lose(slot, event, sc, GYR_NESTED, bpf_ktime_get_boot_ns() + boot_to_epoch_ns);
    release_cpu();
    return 0;
  }
  VOLATILE(cpu->busy) = 1;
  const __u64 ts = bpf_ktime_get_boot_ns() + boot_to_epoch_ns;
  VOLATILE(cpu->busy) = ts;
  s->ts = ts;
#if !GYR_TYPED
  s->task = current_task();
#endif
  s->args[6] = 0;
  s->args[7] = 0;
  s->exec_filename = 0;
  s->user_address = 0;
  s->file_known = 0;
  s->kernel_memory = 0;
  s->file = 0;
  s->tid = 0;
  s->compat = 0;
  s->talks = 0;
  s->compared = 0;
  s->marks = 0;
  s->sc = sc;
  return s;
}

static __always_inline void end(__u32 slot) {
  struct gyr_cpu* cpu = cpu_of(slot);
  if (cpu) VOLATILE(cpu->busy) = 0;
  release_cpu();
}

#define GROUP_BIT(group) (1u << (group))
#define ALL_GROUPS ~0u
#define NOTES (1u << 31) /* notes behind the parameters: of calls alone */
// What the rows of exec and of the other tracepoints name: their programs hold no more than these
// collectors.
#define EXEC_GROUPS (GROUP_BIT(GROUP_scalar) | GROUP_BIT(GROUP_file) | GROUP_BIT(GROUP_task))
#define SCALAR_GROUP GROUP_BIT(GROUP_scalar)

static __always_inline void collect_param(__u32 slot, const struct param_row* row, __u32 groups) {
  const __u32 spec = row->spec;
  const __u32 group = row->group;
#define COLLECT(name) \
  if ((groups & GROUP_BIT(GROUP_##name)) && group == GROUP_##name) collect_##name(slot, spec)
  COLLECT(scalar);
  COLLECT(memory);
  COLLECT(text);
  COLLECT(file);
  COLLECT(socket);
  COLLECT(task);
}

#define RECORD_HEADER 8 /* of a record in a ring of the kernel */

static __always_inline void* bulk_part(const struct gyr_cpu* cpu, __u32 part) {
  const __u32 index = cpu->rings.bulk + (part & (cpu->rings.parts - 1));
  return bpf_map_lookup_elem(&rings, &index);
}

// The CPU's own part of the ring is full: 0 if one of the others had room. It asks before it tries:
// trying takes the part's lock, for which all CPUs would wait when everything is full.
__noinline int output_elsewhere(__u32 slot, __u32 size, __u64 wake) {
  struct gyr_cpu* cpu = cpu_of(slot);
  struct scratch* s = scratch_of(slot);
  if (!s || !cpu || size >= EVENT_MAX) return -1;
  for (__u32 i = 1; i < GYR_RING_PARTS && i < cpu->rings.parts; ++i) {
    void* ring = bulk_part(cpu, cpu->rings.own + i);
    if (!ring) return -1;
    const __u64 used = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
    if (used + size + RECORD_HEADER > bpf_ringbuf_query(ring, BPF_RB_RING_SIZE)) continue;
    if (bpf_ringbuf_output(ring, s->data, size, wake) == 0) return 0;
  }
  return -1;
}

// All parts of the group's ring for bulk events together.
__noinline int is_half_full(__u32 slot) {
  struct gyr_cpu* cpu = cpu_of(slot);
  __u64 used = 0;
  __u64 bytes = 0;
  if (!cpu) return 0;
  for (__u32 i = 0; i < GYR_RING_PARTS && i < cpu->rings.parts; ++i) {
    void* ring = bulk_part(cpu, i);
    if (!ring) return 0;
    used += bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
    bytes += bpf_ringbuf_query(ring, BPF_RB_RING_SIZE);
  }
  return used * 2 > bytes;
}

// 0: the record that was built is in the ring; else it is not, for the reason given.
static __always_inline int output(__u32 slot, struct scratch* s, struct gyr_cpu* cpu, __u32 class,
                                  __u32 size, __u32* reason) {
  const int bulk = class == GYR_BULK;
  const __u32 index = bulk ? cpu->rings.bulk + cpu->rings.own : cpu->rings.critical;
  void* ring = bpf_map_lookup_elem(&rings, &index);
  __u64 wake = BPF_RB_NO_WAKEUP;
  *reason = GYR_RING_FULL;
  if (!ring) return -1;
  // What is left of a ring that is half full is for those who talk less.
  if (s->talks && bulk && is_half_full(slot)) {
    *reason = GYR_YIELDED;
    return -1;
  }
  if (VOLATILE(reader_asleep)) {
    VOLATILE(reader_asleep) = 0;
    wake = BPF_RB_FORCE_WAKEUP;
  }
  if (bpf_ringbuf_output(ring, s->data, size, wake) == 0) return 0;
  return bulk ? output_elsewhere(slot, size, wake) : -1;
}

// Puts the note behind the parameters. If it does not fit, the event goes without.
__noinline int write_note(__u32 slot, __u32 with_path) {
  struct scratch* s = scratch_of(slot);
  struct gyr_cpu* cpu = cpu_of(slot);
  if (!s || !cpu) return 0;
  const __u32 begin = s->off;
  const __u32 marks = s->marks;
  if (marks & GYR_MARK_ARGS_CHANGED) cpu->changed++;
  put(s, marks, sizeof(struct gyr_note));
  if (with_path && !write_opened_path(slot)) {
    cpu->unresolved++;
    s->off = begin + (marks ? sizeof(struct gyr_note) : 0);
  }
  s->overflow = 0;
  return 0;
}

// Header, lengths and prefix around the parameters, and off it goes.
static __always_inline void send(__u32 slot, struct scratch* s, __u32 event, __u32 count,
                                 int notes) {
  struct gyr_cpu* cpu = cpu_of(slot);
  if (!cpu) return;
  cpu->seen++;
  cpu->unreadable += s->unreadable;
  const __u32 off = s->off;
  if (s->overflow || off >= EVENT_MAX) {
    lose(slot, event, s->sc, GYR_TOO_BIG, s->ts);
    return;
  }
  __u32 end = off;
  const int with_path = event < EV_LIMIT && wants_path[event] && s->ret >= 0;
  if (notes && (with_path || s->marks)) {
    write_note(slot, (__u32)with_path);
    end = s->off;
    if (end >= EVENT_MAX) end = off;
  }
  struct gyr_prefix* prefix = (void*)s->data;
  prefix->cpu = (__u16)slot;
  prefix->note = (__u16)(end - off);
  prefix->size = off - GYR_PREFIX;
  __u8* header = s->data + GYR_PREFIX;
  *(__u64*)header = s->ts;
  *(__u64*)(header + 8) = s->tid ? s->tid : (__u32)READ(task_of(s), pid);
  *(__u32*)(header + 16) = off - GYR_PREFIX;
  *(__u16*)(header + 20) = (__u16)event;
  *(__u32*)(header + 22) = count;
  __u32 reason = 0;
  if (output(slot, s, cpu, event_class[event], end, &reason))
    lose(slot, event, s->sc, reason, s->ts);
  else
    cpu->sent++;
}

static __always_inline void begin_params(struct scratch* s, __u32 count) {
  s->overflow = 0;
  s->unreadable = 0;
  s->off = GYR_PREFIX + HEADER + 2 * count;
}

static __always_inline void end_param(struct scratch* s, __u32 index, __u32 before) {
  *(__u16*)(s->data + GYR_PREFIX + HEADER + 2 * index) = (__u16)(s->off - before);
}

// The one collector: walks the event's rows.
static __always_inline int emit_groups(__u32 slot, __u32 event, __u32 groups) {
  struct scratch* s = scratch_of(slot);
  if (!s || event >= EV_LIMIT) return 0;
  const __u32 first = event_rows[event];
  const __u32 count = event_rows[event + 1] - first;
  begin_params(s, count);
  for (__u32 i = 0; i < PARAMS_MAX; ++i) {
    __u32 row = first + i;
    OPAQUE(row);
    if (i >= count || row >= PARAMS) break;
    const __u32 before = s->off;
    collect_param(slot, &param_rows[row], groups);
    if ((groups & NOTES) && s->compared) compare_param(slot, param_rows[row].spec, before);
    end_param(s, i, before);
  }
  send(slot, s, event, count, (groups & NOTES) != 0);
  return 0;
}

__noinline int emit(__u32 slot, __u32 event) { return emit_groups(slot, event, ALL_GROUPS); }
__noinline int emit_exec(__u32 slot) { return emit_groups(slot, EV_EXECVE_19_X, EXEC_GROUPS); }
// Of events whose rows name nothing but scalars.
__noinline int emit_scalars(__u32 slot, __u32 event) {
  return emit_groups(slot, event, SCALAR_GROUP);
}

// The most frequent events: the same rows, walked by the compiler. Only events whose parameters are
// of these groups can be here.
#define FREQUENT_EVENTS(EVENT) \
  EVENT(OPEN_X) EVENT(OPENAT_2_X) EVENT(CLOSE_X) EVENT(READ_X) EVENT(WRITE_X)

static __always_inline void collect_known_param(__u32 slot, struct scratch* s, __u32 row) {
  const __u32 spec = param_rows[row].spec;
  if (param_rows[row].group == GROUP_scalar) scalar_param(slot, s, spec);
  if (param_rows[row].group == GROUP_text) text_param(slot, s, spec);
  if (param_rows[row].group == GROUP_file) file_param(slot, s, spec);
}

// A close gives the number free when it begins: another thread may have got it before it ends.
static __always_inline void mark_reuse(struct scratch* s) {
  struct files_struct* files = READ(current_task(), files);
  if (s->ret || !files || READ(files, count.counter) < 2) return;
  if (open_file((__s32)s->args[0])) s->marks |= GYR_MARK_NUMBER_REUSED;
}

#define EMIT_KNOWN(event)                                           \
  __noinline int emit_##event(__u32 slot) {                         \
    struct scratch* s = scratch_of(slot);                           \
    const __u32 first = event_rows[EV_##event];                     \
    const __u32 count = event_rows[EV_##event + 1] - first;         \
    if (!s) return 0;                                               \
    if (EV_##event == EV_CLOSE_X) mark_reuse(s);                    \
    begin_params(s, count);                                         \
    _Pragma("unroll") for (__u32 i = 0; i < count; ++i) {           \
      const __u32 before = s->off;                                  \
      collect_known_param(slot, s, first + i);                      \
      if (param_rows[first + i].group == GROUP_text && s->compared) \
        compare_param(slot, param_rows[first + i].spec, before);    \
      end_param(s, i, before);                                      \
    }                                                               \
    send(slot, s, EV_##event, count, 1);                            \
    return 0;                                                       \
  }
FREQUENT_EVENTS(EMIT_KNOWN)

// The event of one of the messages that start at `base`; nonzero: no more.
__noinline int emit_message(__u32 slot, __u32 event, __u64 base, __u32 index) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 1;
  const __u32 step = s->compat ? 32 : 64; /* struct mmsghdr */
  s->args[1] = base + index * step;
  if (index) s->ts += 1; /* they came one after the other, and may lie in different rings */
  s->ret = user_word(s->args[1] + step - (s->compat ? 4 : 8), 0);
  return emit(slot, event);
}

// sendmmsg and recvmmsg: one event per message, its length as the result.
static __always_inline void emit_messages(__u32 slot, struct scratch* s, __u32 event) {
  const __s64 messages = s->ret;
  const __u64 base = s->args[1];
  for (__u32 i = 0; i < MESSAGES_MAX; ++i) {
    if (i >= messages || emit_message(slot, event, base, i)) break;
  }
}

static __always_inline void emit_call(__u32 slot, struct scratch* s, __u32 event) {
  switch (event) {
#define EMIT_CASE(event) \
  case EV_##event:       \
    emit_##event(slot);  \
    return;
    FREQUENT_EVENTS(EMIT_CASE)
    default:
      break;
  }
  if ((event == EV_SENDMMSG_X || event == EV_RECVMMSG_X) && s->ret > 0)
    emit_messages(slot, s, event);
  else
    emit(slot, event);
}

static __always_inline void count_unmapped(void) {
  struct gyr_cpu* cpu = cpu_of(bpf_get_smp_processor_id());
  if (cpu) cpu->unmapped_32bit++;
}

static __always_inline struct gyr_call find_call(__u32 nr, int compat) {
  const struct gyr_call none = {};
  OPAQUE(nr);
  if (nr < GYR_CALLS) {
    const struct gyr_call call = compat ? calls[1][nr] : calls[0][nr];
    if (compat && !call.sc) count_unmapped();
    return call;
  }
  if (nr == ~0u) return none; /* no call: a return from a signal */
  struct gyr_cpu* cpu = cpu_of(bpf_get_smp_processor_id());
  if (cpu && compat)
    cpu->unmapped_32bit++;
  else if (cpu && is_x32(nr))
    cpu->x32++;
  return none;
}

#if HAS_32BIT_CALLS
#include "calls_32bit.h"
#endif

#define MAX_ERRNO 4095

// The connection that a call has begun (EINPROGRESS) is no failure.
static __always_inline int is_dropped(__s64 ret) {
  return drop_failed && ret < 0 && ret >= -MAX_ERRNO && ret != -EINPROGRESS;
}

static __always_inline int is_talker(__u32 tgid) {
  return has_talkers && bpf_map_lookup_elem(&talkers, &tgid) != 0;
}

static __always_inline int is_shed(__u32 sc) {
  OPAQUE(sc);
  return sc < GYR_CALLS && shed_calls[sc];
}

static __always_inline void count_shed(void) {
  hold_cpu();
  struct gyr_cpu* cpu = cpu_of(bpf_get_smp_processor_id());
  if (cpu) {
    cpu->seen++;
    cpu->shed++;
  }
  release_cpu();
}

static __always_inline void on_exit(const struct pt_regs* regs, struct gyr_call call, __u32 nr,
                                    __s64 ret, int compat, int talks) {
  const __u32 slot = bpf_get_smp_processor_id();
  struct scratch* s = begin(slot, call.event, call.sc);
  if (!s) return;
  s->compat = compat;
  s->talks = talks;
  s->nr = nr;
  s->ret = ret;
  read_arguments(s->args, regs, compat);
#if HAS_32BIT_CALLS
  if (compat) call = unpack_32bit(s, call, nr);
#endif
  s->sc = call.sc;
  __u64 number = call.event;
  OPAQUE(number);
  if (number < EV_LIMIT && compares[number]) recall(s, nr);
  const int is_exec = call.event == EV_EXECVE_19_X || call.event == EV_EXECVEAT_X;
  if (call.event && !(is_exec && ret == 0 && exec_by_tracepoint)) emit_call(slot, s, call.event);
  end(slot);
}

static __always_inline void look_at_exit(struct task_struct* task, const struct pt_regs* regs,
                                         __u32 nr, __s64 ret, int compat) {
  const struct gyr_call call = find_call(nr, compat);
  const __u32 tgid = READ(task, tgid);
  if (!call.event || tgid == own_tgid) return;
  if (is_dropped(ret)) return;
  const int talks = is_talker(tgid);
  if (talks && is_shed(call.sc))
    count_shed();
  else
    on_exit(regs, call, nr, ret, compat, talks);
}

static __always_inline int is_looked_at(__u32 nr) {
  __u64 index = nr; /* as wide as an address: of a narrow one a copy would be used, see bounded() */
  OPAQUE(index);
  return index >= GYR_CALLS || looks[index];
}

// Of the next three one is loaded, as the attach mode says.

struct raw_exit { /* of tracepoint raw_syscalls/sys_exit, the same since it exists */
  __u64 common;
  __s64 id, ret;
};

// Cheap, since every call on the machine comes by. Packed 32-bit calls are told apart later.
SEC(TRACEPOINT("sys_exit"))
int sys_exit(__u64* ctx) {
  const struct pt_regs* regs = (const void*)ctx[0];
  const __u32 nr = call_number(regs);
  if (!is_looked_at(nr)) return 0;
  struct task_struct* task = current_task();
  look_at_exit(task, regs, nr, (__s64)ctx[1], is_32bit_call(task));
  return 0;
}

// Linux 7.0 and newer may preempt the program above, mostly when a record is done, and skip it at
// all calls of that CPU until the task runs again. Here the kernel holds the CPU.
SEC("tracepoint")
int held_exit(const struct raw_exit* ctx) {
  const __u32 nr = (__u32)ctx->id;
  if (!is_looked_at(nr)) return 0;
  struct task_struct* task = current_task();
  const struct pt_regs* regs = (const void*)bpf_task_pt_regs(bpf_get_current_task_btf());
  look_at_exit(task, regs, nr, ctx->ret, is_32bit_call(task));
  return 0;
}

// At the tracepoints of wanted calls, by which no call of a 32-bit program comes. Linux 5.15.
SEC("tracepoint")
int call_exit(void* ctx) {
  struct task_struct* task = current_task();
  const struct pt_regs* regs = (const void*)bpf_task_pt_regs(bpf_get_current_task_btf());
  look_at_exit(task, regs, call_number(regs), call_result(regs), 0);
  return 0;
}

// A program has been replaced; the call's exit would know neither its arguments nor the file name.
SEC(TRACEPOINT("sched_process_exec"))
int process_exec(__u64* ctx) {
  const struct linux_binprm* program = (const void*)ctx[2];
  const __u32 slot = bpf_get_smp_processor_id();
  struct gyr_call call = calls[0][NR_EXECVE];
  if (!call.event) call = calls[0][NR_EXECVEAT];
  if (!call.event) return 0;
  struct scratch* s = begin(slot, call.event, call.sc);
  if (!s) return 0;
  s->ret = 0;
  s->exec_filename = READ(program, filename);
  emit_exec(slot);
  end(slot);
  return 0;
}

#define PF_KTHREAD 0x00200000
#define PF_IO_WORKER 0x00000010

SEC(TRACEPOINT("sched_process_exit"))
int process_exit(__u64* ctx) {
  struct task_struct* task = current_task();
  const __u32 slot = bpf_get_smp_processor_id();
  if (!process_exit_wanted || READ(task, tgid) == own_tgid) return 0;
  if (READ(task, flags) & PF_KTHREAD) return 0;
  struct scratch* s = begin(slot, EV_PROCEXIT_1_E, CALL_SCHED_PROCESS_EXIT);
  if (!s) return 0;
  s->ret = 0;
  emit_scalars(slot, EV_PROCEXIT_1_E);
  end(slot);
  return 0;
}

#if NEW_TASK_BY_TRACEPOINT && !GYR_TYPED /* the task is not the current one */
// The child's side of a clone, made while its parent is still in the call. What of it is read from
// the parent's memory is the same in the child's.
SEC(TRACEPOINT("task_newtask"))
int new_task(__u64* ctx) {
  struct task_struct* child = (void*)ctx[0];
  const __u32 slot = bpf_get_smp_processor_id();
  if (!calls[0][NR_CLONE].event && !calls[0][NR_CLONE3].event) return 0;
  if (READ(child, tgid) == own_tgid) return 0;
  if (READ(child, flags) & (PF_KTHREAD | PF_IO_WORKER)) return 0;
  struct scratch* s = begin(slot, EV_CLONE_20_X, calls[0][NR_CLONE].sc);
  if (!s) return 0;
  s->task = child;
  s->ret = 0;
  s->args[0] = ctx[1];
  emit(slot, EV_CLONE_20_X);
  end(slot);
  return 0;
}
#endif

#include "io_uring.h"

// Programs that are attached only while somebody wants their event.

// Whom the signal is from: 0 unless a process sent it or ended. As the receiver counts processes.
static __always_inline __s64 signal_sender(int signal, const void* from) {
  int info[5] = {}; /* siginfo_t: signal, errno, code, padding, process */
  bpf_probe_read_kernel(info, sizeof(info), from);
  const int code = info[2];
  if (signal == SIGCHLD && code > 0) return info[4];
  return code == SI_USER || code == SI_QUEUE || code == SI_MESGQ || code == SI_TKILL ? info[4] : 0;
}

SEC("raw_tp/signal_deliver")
int signal_delivered(__u64* ctx) {
  const __u32 slot = bpf_get_smp_processor_id();
  if (READ(current_task(), tgid) == own_tgid) return 0;
  struct scratch* s = begin(slot, EV_SIGNALDELIVER_E, CALL_SIGNAL_DELIVER);
  if (!s) return 0;
  s->ret = 0;
  s->args[0] = signal_sender((int)ctx[0], (const void*)ctx[1]);
  s->args[1] = ctx[0];
  emit_scalars(slot, EV_SIGNALDELIVER_E);
  end(slot);
  return 0;
}

static __always_inline int on_page_fault(const __u64* ctx, __u32 sc) {
  const __u32 slot = bpf_get_smp_processor_id();
  const struct gyr_cpu* cpu = cpu_of(slot);
  // A record under construction reads the caller's memory: that fault is ours.
  if (!cpu || VOLATILE(cpu->busy) || READ(current_task(), tgid) == own_tgid) return 0;
  const struct pt_regs* regs = (const void*)ctx[1];
  struct scratch* s = begin(slot, EV_PAGE_FAULT_E, sc);
  if (!s) return 0;
  s->ret = 0;
  s->args[0] = ctx[0];
  s->args[1] = BPF_CORE_READ(regs, INSTRUCTION_POINTER);
  s->args[2] = ctx[2];
  emit_scalars(slot, EV_PAGE_FAULT_E);
  end(slot);
  return 0;
}

SEC("raw_tp/page_fault_user")
int page_fault_user(__u64* ctx) { return on_page_fault(ctx, CALL_PAGE_FAULT_USER); }
SEC("raw_tp/page_fault_kernel")
int page_fault_kernel(__u64* ctx) { return on_page_fault(ctx, CALL_PAGE_FAULT_KERNEL); }
