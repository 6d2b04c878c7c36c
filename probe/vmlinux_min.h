/* SPDX-License-Identifier: Apache-2.0
 * The kernel's structures as far as the probe reads them. The loader finds each field's real place
 * in the running kernel's type information, so order and size mean nothing here; names do. Variants
 * of a structure in older kernels carry a suffix after three underscores, which the loader ignores.
 */
#pragma once

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef unsigned short umode_t;
typedef struct {
  __u32 val;
} kuid_t;
typedef struct {
  __u32 val;
} kgid_t;
typedef struct {
  __u64 val;
} kernel_cap_t;
struct kernel_cap___old { /* before 6.3 */
  __u32 cap[2];
};

struct pt_regs { /* of x86-64, of aarch64 */
  unsigned long bp, r10, r9, r8, ax, cx, dx, si, di, orig_ax, bx, ip;
  __u64 regs[31], pc, orig_x0;
  int syscallno;
};

struct hlist_node;
struct hlist_head {
  struct hlist_node* first;
};
struct hlist_bl_node {
  struct hlist_bl_node *next, **pprev;
};
struct qstr {
  const unsigned char* name;
};
struct inode;
struct super_block {
  __u32 s_dev;
  unsigned long s_magic;
};
struct dentry {
  struct dentry* d_parent;
  struct qstr d_name;
  struct inode* d_inode;
};
struct vfsmount {
  struct dentry* mnt_root;
  int mnt_flags;
};
struct mount {
  struct mount* mnt_parent;
  struct dentry* mnt_mountpoint;
  struct vfsmount mnt;
  int mnt_id;
};
struct path {
  struct vfsmount* mnt;
  struct dentry* dentry;
};
struct timespec64 {
  __s64 tv_sec;
  long tv_nsec;
};
struct inode_operations {
  void* getattr;
};
struct inode {
  umode_t i_mode;
  const struct inode_operations* i_op;
  kuid_t i_uid;
  kgid_t i_gid;
  struct super_block* i_sb;
  unsigned long i_ino;
  __s64 i_mtime_sec, i_ctime_sec;
  __u32 i_mtime_nsec, i_ctime_nsec;
};
struct inode___old { /* before 6.11 */
  struct timespec64 i_mtime, i_ctime, __i_mtime, __i_ctime;
};
struct file {
  unsigned int f_mode, f_flags;
  struct path f_path;
  struct inode* f_inode;
  void* private_data;
};
struct fdtable {
  unsigned int max_fds;
  struct file** fd;
  unsigned long* close_on_exec;
};
struct fs_struct {
  struct path root;
};
struct sighand_struct;
typedef struct {
  int counter;
} atomic_t;
struct files_struct {
  atomic_t count;
  struct fdtable* fdt;
};

struct pid_namespace;
struct upid {
  int nr;
  struct pid_namespace* ns;
};
struct pid {
  unsigned int level;
  struct upid numbers[1];
};
struct task_struct;
struct pid_namespace {
  unsigned int level;
  struct task_struct* child_reaper;
};
struct nsproxy {
  struct pid_namespace* pid_ns_for_children;
};

struct rlimit {
  unsigned long rlim_cur, rlim_max;
};
struct tty_driver {
  int major, minor_start;
};
struct tty_struct {
  int index;
  struct tty_driver* driver;
};
struct list_head {
  struct list_head *next, *prev;
};
struct signal_struct {
  struct rlimit rlim[16];
  struct pid* pids[4];
  struct tty_struct* tty;
  struct list_head thread_head;
  unsigned int is_child_subreaper : 1;
  unsigned int has_child_subreaper : 1;
  int nr_threads;
  unsigned long min_flt, maj_flt; /* of threads that have ended */
};
struct cred {
  kuid_t uid, euid;
  kgid_t gid, egid;
  kernel_cap_t cap_inheritable, cap_permitted, cap_effective;
};
struct percpu_counter {
  __s64 count;
};
struct mm_struct {
  unsigned long total_vm, arg_start, arg_end, env_start, env_end;
  struct file* exe_file;
  struct percpu_counter rss_stat[4];
};
typedef struct {
  __s64 counter;
} atomic64_t;
struct mm_rss_stat___old {
  atomic64_t count[4];
};
struct mm_struct___old { /* before 6.2 */
  struct mm_rss_stat___old rss_stat;
};

struct kernfs_node {
  struct kernfs_node* __parent;
  const char* name;
};
struct kernfs_node___old { /* before 6.15 */
  struct kernfs_node* parent;
};
struct cgroup {
  struct kernfs_node* kn;
};
struct cgroup_subsys_state {
  struct cgroup* cgroup;
};
struct css_set {
  struct cgroup_subsys_state* subsys[4];
};
enum cgroup_subsys_id {
  cpuset_cgrp_id,
  cpu_cgrp_id,
  cpuacct_cgrp_id,
  io_cgrp_id,
  memory_cgrp_id,
};

struct thread_info {
  unsigned long flags;
  __u32 status;
};
struct task_struct {
  struct thread_info thread_info;
  struct mm_struct* mm;
  int exit_code;
  int pid, tgid;
  unsigned int flags;
  struct task_struct *real_parent, *group_leader;
  struct list_head children, sibling, thread_node;
  struct pid* thread_pid;
  __u64 start_boottime;
  unsigned long min_flt, maj_flt;
  const struct cred *cred, *real_cred;
  char comm[16];
  struct fs_struct* fs;
  struct files_struct* files;
  struct sighand_struct* sighand;
  struct nsproxy* nsproxy;
  struct signal_struct* signal;
  kuid_t loginuid;
  struct css_set* cgroups;
};
struct linux_binprm {
  const char* filename;
};

struct in6_addr {
  __u8 bytes[16];
};
struct sock_common {
  __u32 skc_daddr, skc_rcv_saddr;
  __u16 skc_dport, skc_num;
  unsigned short skc_family;
  unsigned char skc_state;
  struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};
struct sock {
  struct sock_common __sk_common;
  __u32 sk_ack_backlog, sk_max_ack_backlog;
  __u16 sk_type, sk_protocol;
};
struct socket {
  struct sock* sk;
};
struct socket_alloc {
  struct socket socket;
  struct inode vfs_inode;
};
struct inet_sock {
  __u16 inet_sport;
};
struct netlink_sock {
  _Bool bound;
};
struct sockaddr_un {
  unsigned short sun_family;
};
struct unix_address {
  int len;
  struct sockaddr_un name[0];
};
struct unix_sock {
  struct unix_address* addr;
  struct sock* peer;
};

/* What programs at iterators are handed. */
struct seq_file;
struct bpf_iter_meta {
  struct seq_file* seq;
};
struct bpf_iter__task {
  struct bpf_iter_meta* meta;
  struct task_struct* task;
};
struct bpf_iter__task_file {
  struct bpf_iter_meta* meta;
  struct task_struct* task;
  __u32 fd;
  struct file* file;
};

#pragma clang attribute pop
