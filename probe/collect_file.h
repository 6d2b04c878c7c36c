/* SPDX-License-Identifier: Apache-2.0
 * Group `file` of src/schema/collect.def: what the kernel knows of open files and of the program
 * file.
 */
#pragma once

#define OVERLAYFS_MAGIC 0x794c7630
#define UPPER_LAYER 32768 /* PPM_FD_UPPER_LAYER */
#define LOWER_LAYER 65536
#define FILE_CREATED 16384 /* PPM_O_F_CREATED */
#define FMODE_CREATED 0x100000

#ifdef __bpf__ /* what only the kernel knows; src/source/ptrace_collect.c answers elsewhere */
/* The current task's open file, null if there is none with that number. */
static __always_inline struct file* open_file(__s64 fd) {
  struct files_struct* files = READ(current_task(), files);
  struct file* file = 0;
  if (fd < 0 || !files) return 0;
  struct fdtable* table = READ(files, fdt);
  if (fd >= READ(table, max_fds)) return 0;
#if GYR_TYPED
  if (has_rdonly_cast) { /* the slot as a type whose first field is a pointer */
    return (void*)AS(hlist_head, READ(table, fd) + fd)->first;
  }
#endif
  bpf_probe_read_kernel(&file, sizeof(file), READ(table, fd) + fd);
  return file;
}

/* The kernel's number of a device, as stat(2) and /proc show it. */
static __always_inline __u32 encode_device(__u32 dev) {
  const __u32 major = dev >> 20;
  const __u32 minor = dev & 0xfffff;
  return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

/* Bits of the overlay layer the file lives on: UPPER_LAYER, LOWER_LAYER or none. */
static __always_inline __u32 overlay_layer(struct inode* inode, struct super_block* super) {
  if (PEEK(super_block, super, s_magic) != OVERLAYFS_MAGIC) return 0;
  /* Overlayfs may be a module, whose types are not at hand: the dentry of the upper layer follows
   * the inode. */
  const void* upper = 0;
  bpf_probe_read_kernel(&upper, sizeof(upper),
                        (const void*)inode + bpf_core_type_size(struct inode));
  return upper ? UPPER_LAYER : LOWER_LAYER;
}

/* Looks once per event at the file an open made. */
__noinline int load_file(__u32 slot) {
  struct scratch* s = scratch_of(slot);
  if (!s || s->file_known) return 0;
  s->file_known = 1;
  s->file_dev = 0;
  s->file_ino = 0;
  s->file_marks = 0;
  s->file_created = 0;
  struct file* file = open_file(s->ret);
  if (!file) return 0;
  struct inode* inode = PEEK(file, file, f_inode);
  struct super_block* super = PEEK(inode, inode, i_sb);
  s->file_dev = encode_device(PEEK(super_block, super, s_dev));
  s->file_ino = PEEK(inode, inode, i_ino);
  s->file_marks = overlay_layer(inode, super);
  if (PEEK(file, file, f_mode) & FMODE_CREATED) s->file_created = FILE_CREATED;
  return 0;
}

#define NAME_ROOM 258 /* a name, its slash and a NUL */

/* Nonzero: s->left has no room for it. */
__noinline int write_name(__u32 slot, __u32 index, __u32 last) {
  struct scratch* s = scratch_of(slot);
  if (!s || index >= WALK_MAX || s->left < NAME_ROOM) {
    if (s) s->walk_cut = 1;
    return 1;
  }
  const __u32 before = s->off;
  put(s, '/', 1);
  put_kernel_text(s, s->names[index], 256);
  if (!last) s->off -= 1; /* the NUL gives way to the next slash */
  s->left -= s->off - before;
  return 0;
}

/* Writes "/" and the first `count` names, last first, and a NUL: at most s->left bytes, which
 * become less. A user chooses names and depth, so without a limit he could make every record of his
 * too big. */
__noinline int write_names(__u32 slot, __u32 count) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  if (count == 0) put(s, '/', 1);
  for (__u32 i = 0; i < WALK_MAX; ++i) {
    if (i >= count) break;
    if (write_name(slot, count - 1 - i, i + 1 == count)) return put(s, 0, 1);
  }
  return count == 0 ? put(s, 0, 1) : 0;
}

/* One step up from s->walk. 0: there may be more. The state of the walk is in memory and each step
 * a function of its own, or the verifier would follow every mix of branches. */
__noinline int step_up(__u32 slot) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 1;
  struct dentry* dentry = s->walk_node;
  struct mount* mount = s->walk_mount;
  struct dentry* parent = PEEK(dentry, dentry, d_parent);
  if (dentry == PEEK(mount, mount, mnt.mnt_root)) {
    struct mount* below = PEEK(mount, mount, mnt_parent);
    if (below == mount) return 1;
    s->walk_node = PEEK(mount, mount, mnt_mountpoint);
    s->walk_mount = below;
    return 0;
  }
  const __u32 count = s->walk_count;
  if (count >= WALK_MAX) {
    s->walk_cut = 1;
    return 1;
  }
  s->names[count] = PEEK(dentry, dentry, d_name.name);
  s->walk_count = count + 1;
  s->walk_node = parent;
  s->walk_nowhere = dentry == parent; /* memfd, anonymous */
  return s->walk_nowhere;
}

/* The path of a file up to the root of its mount namespace. */
static __always_inline int write_path(__u32 slot, struct scratch* s, struct file* file) {
  struct vfsmount* visible = PEEK(file, file, f_path.mnt);
  s->walk_node = PEEK(file, file, f_path.dentry);
  s->walk_mount = (void*)visible - bpf_core_field_offset(struct mount, mnt);
  s->walk_count = 0;
  s->walk_cut = 0;
  s->walk_nowhere = 0;
  s->left = STRING_MAX;
  for (__u32 i = 0; i < 2 * WALK_MAX; ++i) {
    if (step_up(slot)) break;
  }
  return write_names(slot, s->walk_count);
}

__noinline int collect_fd_path(__u32 slot) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  struct file* file = open_file(s->ret);
  return file ? write_path(slot, s, file) : 0;
}

/* Writes the path of the file that was opened behind the record; 0: it has none, or it cannot be
 * told as a whole. A part of a path would name another file. */
__noinline int write_opened_path(__u32 slot) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  struct file* file = open_file(s->ret);
  const __u32 begin = s->off;
  if (!file || begin >= EVENT_MAX) return 0;
  write_path(slot, s, file);
  const __u8 first = s->data[begin + 1];
  const int nameless = s->walk_nowhere && (first == 0 || first == '/'); /* a pipe, a namespace */
  __u32 end = s->off - 1;                                               /* without its NUL */
  OPAQUE(end);
  if (s->walk_cut || s->overflow || nameless || end >= EVENT_MAX || s->data[end]) return 0;
  s->off = end;
  return 1;
}

/* What the task runs; null for kernel threads. */
static __always_inline struct file* program_file(struct task_struct* task) {
  struct mm_struct* mm = READ(task, mm);
  return mm ? READ(mm, exe_file) : 0;
}

__noinline int collect_exe_path(__u32 slot) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  struct file* file = program_file(task_of(s));
  return file ? write_path(slot, s, file) : 0;
}

static __always_inline __u64 changed_at(struct inode* inode) {
  if (bpf_core_field_exists(inode->i_ctime_sec))
    return BPF_CORE_READ(inode, i_ctime_sec) * 1000000000ull +
           (BPF_CORE_READ(inode, i_ctime_nsec) &
            0x7fffffff); /* the top bit says that somebody asked for it */
  struct inode___old* old = (void*)inode;
  if (bpf_core_field_exists(old->__i_ctime))
    return BPF_CORE_READ(old, __i_ctime.tv_sec) * 1000000000ull +
           BPF_CORE_READ(old, __i_ctime.tv_nsec);
  return BPF_CORE_READ(old, i_ctime.tv_sec) * 1000000000ull + BPF_CORE_READ(old, i_ctime.tv_nsec);
}

static __always_inline __u64 modified_at(struct inode* inode) {
  if (bpf_core_field_exists(inode->i_mtime_sec))
    return BPF_CORE_READ(inode, i_mtime_sec) * 1000000000ull + BPF_CORE_READ(inode, i_mtime_nsec);
  struct inode___old* old = (void*)inode;
  if (bpf_core_field_exists(old->__i_mtime))
    return BPF_CORE_READ(old, __i_mtime.tv_sec) * 1000000000ull +
           BPF_CORE_READ(old, __i_mtime.tv_nsec);
  return BPF_CORE_READ(old, i_mtime.tv_sec) * 1000000000ull + BPF_CORE_READ(old, i_mtime.tv_nsec);
}

/* May the task write to the program it runs? By mode bits, owner and the capability that overrides
 * them; access lists and read-only mounts are not looked at. */
static __always_inline int writable(struct task_struct* task, struct inode* inode) {
  const __u32 mode = BPF_CORE_READ(inode, i_mode);
  const struct cred* cred = READ(task, cred);
  if (capabilities(cred, COLLECT_cap_effective) & 2) return 1; /* CAP_DAC_OVERRIDE */
  if (READ(cred, euid.val) == BPF_CORE_READ(inode, i_uid.val)) return (mode & 0200) != 0;
  if (READ(cred, egid.val) == BPF_CORE_READ(inode, i_gid.val)) return (mode & 0020) != 0;
  return (mode & 0002) != 0;
}

static __always_inline int is_memfd(struct file* file) {
  char name[8] = {};
  struct dentry* dentry = BPF_CORE_READ(file, f_path.dentry);
  if (dentry != BPF_CORE_READ(dentry, d_parent)) return 0;
  bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(dentry, d_name.name));
  return name[0] == 'm' && name[1] == 'e' && name[2] == 'm' && name[3] == 'f' && name[4] == 'd' &&
         name[5] == ':';
}

/* Flags of exec: 1 writable, 2 upper layer, 4 from a memfd, 8 lower layer. */
static __always_inline __u64 exe_flags(struct task_struct* task, struct file* file,
                                       struct inode* inode) {
  __u64 flags = writable(task, inode) ? 1 : 0;
  const __u32 layer = overlay_layer(inode, BPF_CORE_READ(inode, i_sb));
  if (layer == UPPER_LAYER) flags |= 2;
  if (layer == LOWER_LAYER) flags |= 8;
  if (is_memfd(file)) flags |= 4;
  return flags;
}

__noinline __u64 exe_number(__u32 slot, __u32 token) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  struct task_struct* task = task_of(s);
  struct file* file = program_file(task);
  if (!file) return 0;
  struct inode* inode = BPF_CORE_READ(file, f_inode);
  switch (token) {
    case COLLECT_exe_ino:
      return BPF_CORE_READ(inode, i_ino);
    case COLLECT_exe_ctime:
      return changed_at(inode);
    case COLLECT_exe_mtime:
      return modified_at(inode);
    default:
      return exe_flags(task, file, inode);
  }
}

__noinline __u64 pair_inode(__u32 slot, __u64 at) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  struct file* file = open_file(pair(s, at, 0));
  return file ? BPF_CORE_READ(file, f_inode, i_ino) : 0;
}
#endif

static __always_inline int file_param(__u32 slot, struct scratch* s, __u32 spec) {
  const __u64 arg = s->args[SPEC_ARGUMENT(spec)];
  const __u32 width = SPEC_WIDTH(spec);
  const __u32 token = SPEC_TOKEN(spec);
  switch (token) {
    case COLLECT_open_flags:
      load_file(slot);
      return put(s, file_flags(arg) | s->file_marks | s->file_created, width);
    case COLLECT_how_flags:
      load_file(slot);
      return put(s, file_flags(passed_wide(s, arg, 0)) | s->file_marks | s->file_created, width);
    case COLLECT_creat_flags:
      load_file(slot);
      return put(s, s->file_marks == UPPER_LAYER ? 1 : s->file_marks == LOWER_LAYER ? 2 : 0, width);
    case COLLECT_fd_dev:
      load_file(slot);
      return put(s, s->file_dev, width);
    case COLLECT_fd_ino:
      load_file(slot);
      return put(s, s->file_ino, width);
    case COLLECT_fd_path:
      return collect_fd_path(slot);
    case COLLECT_exe_path:
      return collect_exe_path(slot);
    case COLLECT_pair_ino:
      return put(s, pair_inode(slot, arg), width);
    default:
      return put(s, exe_number(slot, token), width);
  }
}

__noinline int collect_file(__u32 slot, __u32 spec) {
  struct scratch* s = scratch_of(slot);
  return s ? file_param(slot, s, spec) : 0;
}
