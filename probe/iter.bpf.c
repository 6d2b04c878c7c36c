// SPDX-License-Identifier: Apache-2.0
// The threads and descriptors of the host as binary records (iter_shared.h), for the snapshot that
// is taken at the start and after losses. The kernel calls the programs once for each thread or
// descriptor while the loader reads; it holds the thread and the file meanwhile. Everything behind
// them is copied, since it may go away at any time.
#include <linux/bpf.h>
//
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "iter_shared.h"
#include "vmlinux_min.h"
//
#include "resident_pages.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define SOCKFS_MAGIC 0x534F434B
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define UNIX_PATH_MAX 108
#define O_CLOEXEC 02000000
#define RLIMIT_NOFILE 7
#define PIDTYPE_TGID 1
#define PIDTYPE_PGID 2
#define PIDTYPE_SID 3

// Where a record is built. One reader at a time: nothing else writes to it.
struct draft {
  struct gyr_file_record file;
  char name[GYR_NAME_MAX];
  struct gyr_task_record task;
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct draft);
} drafts SEC(".maps");

static __always_inline struct draft* the_draft(void) {
  const __u32 zero = 0;
  return bpf_map_lookup_elem(&drafts, &zero);
}

/* --- sockets */

static __always_inline void read_internet(struct gyr_file_record* r, struct sock* sock) {
  const struct sock_common* common = &sock->__sk_common;
  r->source_port = __builtin_bswap16(BPF_CORE_READ((struct inet_sock*)sock, inet_sport));
  r->dest_port = __builtin_bswap16(BPF_CORE_READ(common, skc_dport));
  r->number = BPF_CORE_READ(common, skc_num);
  if (r->family == AF_INET6) {
    bpf_core_read(&r->source_ip, 16, &common->skc_v6_rcv_saddr);
    bpf_core_read(&r->dest_ip, 16, &common->skc_v6_daddr);
  } else {
    bpf_core_read(&r->source_ip, 4, &common->skc_rcv_saddr);
    bpf_core_read(&r->dest_ip, 4, &common->skc_daddr);
  }
}

static __always_inline void read_unix(struct draft* draft, struct sock* sock) {
  struct gyr_file_record* r = &draft->file;
  struct unix_sock* own = (void*)sock;
  r->socket = (__u64)sock;
  r->peer = (__u64)BPF_CORE_READ(own, peer);
  struct unix_address* address = BPF_CORE_READ(own, addr);
  if (!address) return;
  int length = BPF_CORE_READ(address, len);
  if (length <= 2) return;
  __u64 size = length - 2;
  if (size > UNIX_PATH_MAX) size = UNIX_PATH_MAX;
  asm volatile("" : "+r"(size));
  const void* from = (const void*)address + bpf_core_field_offset(struct unix_address, name) + 2;
  if (bpf_probe_read_kernel(draft->name, (__u32)size & 127, from) == 0) r->name_size = (__u32)size;
}

static __always_inline void read_socket(struct draft* draft, struct inode* inode) {
  struct gyr_file_record* r = &draft->file;
  struct socket_alloc* alloc = (void*)inode - bpf_core_field_offset(struct socket_alloc, vfs_inode);
  struct sock* sock = BPF_CORE_READ(alloc, socket.sk);
  if (!sock) return;
  r->kind = GYR_FILE_SOCKET;
  r->family = BPF_CORE_READ(sock, __sk_common.skc_family);
  r->state = BPF_CORE_READ(sock, __sk_common.skc_state);
  r->type = BPF_CORE_READ(sock, sk_type);
  r->protocol = BPF_CORE_READ(sock, sk_protocol);
  if (r->family == AF_INET || r->family == AF_INET6)
    read_internet(r, sock);
  else if (r->family == AF_UNIX)
    read_unix(draft, sock);
  else if (r->family == AF_NETLINK)
    r->bound = BPF_CORE_READ((struct netlink_sock*)sock, bound) ? 1 : 0;
}

/* --- descriptors */

static __always_inline int closes_on_exec(struct task_struct* task, __u32 fd) {
  struct fdtable* table = BPF_CORE_READ(task, files, fdt);
  if (!table || fd >= BPF_CORE_READ(table, max_fds)) return 0;
  const unsigned long* bits = BPF_CORE_READ(table, close_on_exec);
  __u64 word = 0;
  bpf_probe_read_kernel(&word, sizeof(word), bits + fd / 64);
  return (word >> (fd % 64)) & 1;
}

static __always_inline void read_file(struct draft* draft, struct task_struct* task,
                                      struct file* file, int named) {
  struct gyr_file_record* r = &draft->file;
  struct inode* inode = BPF_CORE_READ(file, f_inode);
  struct super_block* super = BPF_CORE_READ(inode, i_sb);
  struct vfsmount* visible = BPF_CORE_READ(file, f_path.mnt);
  struct mount* mount = (void*)visible - bpf_core_field_offset(struct mount, mnt);
  r->flags = BPF_CORE_READ(file, f_flags) & ~O_CLOEXEC;
  if (closes_on_exec(task, r->fd)) r->flags |= O_CLOEXEC;
  r->mount_id = BPF_CORE_READ(mount, mnt_id);
  r->mode = BPF_CORE_READ(inode, i_mode);
  r->ino = BPF_CORE_READ(inode, i_ino);
  r->device = BPF_CORE_READ(super, s_dev);
  r->magic = BPF_CORE_READ(super, s_magic);
  r->has_getattr = BPF_CORE_READ(inode, i_op, getattr) ? 1 : 0;
  if ((r->mode & S_IFMT) == S_IFSOCK && r->magic == SOCKFS_MAGIC) {
    r->has_name = 1;
    read_socket(draft, inode);
    return;
  }
  if (!named) return;
  const long size = bpf_d_path(&file->f_path, draft->name, GYR_NAME_MAX);
  if (size <= 0 || size > GYR_NAME_MAX) return;
  r->has_name = 1;
  r->name_size = (__u32)size - 1; /* without its NUL */
}

static __always_inline int list_file(struct bpf_iter__task_file* ctx, int named) {
  struct task_struct* task = ctx->task;
  struct file* file = ctx->file;
  struct draft* draft = the_draft();
  if (!task || !file || !draft) return 0;
  struct gyr_file_record* r = &draft->file;
  __builtin_memset(r, 0, sizeof(*r));
  r->pid = BPF_CORE_READ(task, tgid);
  if (r->pid != BPF_CORE_READ(task, pid)) return 0; /* has a table of its own: not told */
  r->fd = ctx->fd;
  read_file(draft, task, file, named);
  __u64 size = sizeof(*r) + r->name_size;
  if (size > sizeof(*r) + GYR_NAME_MAX) size = sizeof(*r) + GYR_NAME_MAX;
  asm volatile("" : "+r"(size));
  r->size = (__u32)size;
  bpf_seq_write(ctx->meta->seq, draft, (__u32)size & 0x1fff);
  return 0;
}

SEC("iter/task_file")
int list_files(struct bpf_iter__task_file* ctx) { return list_file(ctx, 1); }

/* Before Linux 5.12 iterators may not ask for paths. */
SEC("iter/task_file")
int list_files_unnamed(struct bpf_iter__task_file* ctx) { return list_file(ctx, 0); }

/* --- threads */

/* Of `pid` in the namespace `ns`, which lies so deep. */
static __always_inline int number_in(struct pid* pid, __u32 level, struct pid_namespace* ns) {
  if (!pid || level > BPF_CORE_READ(pid, level)) return 0;
  const void* at = (const void*)&pid->numbers[0] + (level & 63) * bpf_core_type_size(struct upid);
  struct pid_namespace* found = 0;
  int nr = 0;
  bpf_probe_read_kernel(&found, sizeof(found), at + bpf_core_field_offset(struct upid, ns));
  if (ns && found != ns) return 0;
  bpf_probe_read_kernel(&nr, sizeof(nr), at + bpf_core_field_offset(struct upid, nr));
  return nr;
}

static __always_inline void read_numbers(struct gyr_task_record* r, struct task_struct* task) {
  struct signal_struct* signal = BPF_CORE_READ(task, signal);
  struct pid* own = BPF_CORE_READ(task, thread_pid);
  struct pid *process = 0, *group = 0, *session = 0;
  struct pid_namespace* ns = 0;
  bpf_core_read(&process, sizeof(process), &signal->pids[PIDTYPE_TGID]);
  bpf_core_read(&group, sizeof(group), &signal->pids[PIDTYPE_PGID]);
  bpf_core_read(&session, sizeof(session), &signal->pids[PIDTYPE_SID]);
  const __u32 level = BPF_CORE_READ(own, level);
  bpf_probe_read_kernel(&ns, sizeof(ns),
                        (const void*)&own->numbers[0] +
                            (level & 63) * bpf_core_type_size(struct upid) +
                            bpf_core_field_offset(struct upid, ns));
  r->tid = BPF_CORE_READ(task, pid);
  r->pid = BPF_CORE_READ(task, tgid);
  r->ptid = BPF_CORE_READ(task, real_parent, tgid);
  r->pgid = number_in(group, 0, 0);
  r->sid = number_in(session, 0, 0);
  r->vtid = number_in(own, level, ns);
  r->vpid = number_in(process, level, ns);
  r->vpgid = number_in(group, level, ns);
}

static __always_inline void read_credentials(struct gyr_task_record* r, struct task_struct* task) {
  const struct cred* cred = BPF_CORE_READ(task, real_cred);
  r->uid = BPF_CORE_READ(cred, euid.val);
  r->gid = BPF_CORE_READ(cred, egid.val);
  /* Two words before 6.3, one u64 since: the same bytes. */
  bpf_core_read(&r->cap_inheritable, 8, &cred->cap_inheritable);
  bpf_core_read(&r->cap_permitted, 8, &cred->cap_permitted);
  bpf_core_read(&r->cap_effective, 8, &cred->cap_effective);
  r->loginuid = 0xffffffff;
  if (bpf_core_field_exists(task->loginuid)) r->loginuid = BPF_CORE_READ(task, loginuid.val);
}

static __always_inline void read_memory(struct gyr_task_record* r, struct task_struct* task) {
  struct mm_struct* mm = BPF_CORE_READ(task, mm);
  if (!mm) return;
  r->has_memory = 1;
  r->total_pages = BPF_CORE_READ(mm, total_vm);
  r->resident_pages = resident_pages(mm, 0) + resident_pages(mm, 1) + resident_pages(mm, 3);
  r->swapped_pages = resident_pages(mm, 2);
}

static __always_inline void read_process(struct gyr_task_record* r, struct task_struct* task) {
  struct signal_struct* signal = BPF_CORE_READ(task, signal);
  struct tty_struct* tty = BPF_CORE_READ(signal, tty);
  if (tty) {
    const __u32 minor = BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index);
    const __u32 major = BPF_CORE_READ(tty, driver, major);
    r->tty = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
  }
  bpf_core_read(&r->descriptor_limit, 8, &signal->rlim[RLIMIT_NOFILE].rlim_cur);
  r->min_flt_ended = BPF_CORE_READ(signal, min_flt);
  r->maj_flt_ended = BPF_CORE_READ(signal, maj_flt);
  struct task_struct* reader = (void*)bpf_get_current_task();
  r->has_root_of_reader =
      BPF_CORE_READ(task, fs, root.mnt) == BPF_CORE_READ(reader, fs, root.mnt) &&
      BPF_CORE_READ(task, fs, root.dentry) == BPF_CORE_READ(reader, fs, root.dentry);
}

SEC("iter/task")
int list_tasks(struct bpf_iter__task* ctx) {
  struct task_struct* task = ctx->task;
  struct draft* draft = the_draft();
  if (!task || !draft) return 0;
  struct gyr_task_record* r = &draft->task;
  __builtin_memset(r, 0, sizeof(*r));
  r->size = sizeof(*r);
  read_numbers(r, task);
  read_credentials(r, task);
  read_memory(r, task);
  read_process(r, task);
  bpf_core_read(&r->comm, sizeof(r->comm), &task->comm);
  r->start_ns = BPF_CORE_READ(task, start_boottime);
  r->min_flt = BPF_CORE_READ(task, min_flt);
  r->maj_flt = BPF_CORE_READ(task, maj_flt);
  r->cgroups = (__u64)BPF_CORE_READ(task, cgroups);
  bpf_seq_write(ctx->meta->seq, r, sizeof(*r));
  return 0;
}
