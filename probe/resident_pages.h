/* SPDX-License-Identifier: Apache-2.0
 * Pages of a process by kind: in memory (0, 1, 3) or swapped out (2). Linux 6.2 made each kind a
 * counter of its own.
 */
#pragma once

static __always_inline __u64 resident_pages(struct mm_struct* mm, int kind) {
  __s64 pages = 0;
  if (bpf_core_type_exists(struct mm_rss_stat___old)) {
    struct mm_struct___old* old = (void*)mm;
    bpf_core_read(&pages, sizeof(pages), &old->rss_stat.count[kind].counter);
  } else {
    const void* first = &mm->rss_stat[0].count; /* the kernel's counters are larger than ours */
    bpf_probe_read_kernel(&pages, sizeof(pages),
                          first + kind * bpf_core_type_size(struct percpu_counter));
  }
  return pages > 0 ? pages : 0;
}
