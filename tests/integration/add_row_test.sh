#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One row is all it takes: in a scratch copy of the tree `umask`, which has no event of its own, gets one by editing
# the schema's rows and nothing else. The copy's probe and source are built, and the call is seen live with its
# parameters. add_row_test.sh [SOURCE [SCRATCH]]; 77: skipped.
set -euo pipefail
source=$(realpath "${1:-$(dirname "$0")/../..}")
scratch=${2:-$(mktemp -d)}
[ -n "${2:-}" ] || trap 'rm -rf "$scratch"' EXIT
if [ "$(id -u)" != 0 ]; then
  echo "skipped: live capture needs root"
  exit 77
fi
mkdir -p "$scratch/tree"
cp -r "$source"/{src,probe,tests} "$scratch/tree/"
cd "$scratch/tree"

# The row: an unused pair of event numbers becomes umask's, and the call names its exit event.
number=$(grep -oE 'GYR_SYSCALL\([0-9]+, UMASK, "umask", [-0-9]+, [-0-9]+, [-0-9]+' src/schema/syscalls.def)
[ -n "$number" ]
sed -i "s|^$number, GENERIC_X, SC_GENERIC)|$number, UMASK_X, SC_USED)|" src/schema/syscalls.def
cat >> src/schema/events.def <<'ROW'

GYR_EVENT(454, UMASK_E, "umask", File, Syscall, EF_UNUSED, -1)

GYR_EVENT(455, UMASK_X, "umask", File, Syscall, EF_NONE, -1)
GYR_PARAM(UMASK_X, "res", Errno, Dec, none, -1, ret, -1)
GYR_PARAM(UMASK_X, "mask", Mode, Oct, chmod_mode, -1, flags, 0)
ROW
sed -i 's|kEventCount = 454|kEventCount = 456|' src/schema/schema.h

flags="-std=c++20 -O1 -Isrc -Iprobe -I$scratch"
arch=$(gcc -print-multiarch)
clang=$(command -v clang-14 || command -v clang)
bpftool=$(command -v bpftool || echo /usr/sbin/bpftool)
probe() { # NAME SOURCE TYPED
  $clang -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_x86 -DGYR_TYPED="$3" -I/usr/include/"$arch" -Isrc -Iprobe \
    -c "probe/$2" -o "$scratch/$1.bpf.o"
  $bpftool gen skeleton "$scratch/$1.bpf.o" name "$1" > "$scratch/$1.skel.h"
}
probe gyr_portable gyr.bpf.c 0
probe gyr_probe gyr.bpf.c 1
probe gyr_iter iter.bpf.c 0
units="src/base/system.cpp src/base/text.cpp src/base/thread.cpp src/base/check.cpp src/value/type.cpp src/schema/schema.cpp src/event/event_view.cpp
  $(echo src/source/{live,call_,kernel_,probe_,ring_,time_,uring_,proc_,fd_,host_,iter,list_,look_,loss_}*.cpp) tests/live/watch_main.cpp"
# shellcheck disable=SC2086
g++ $flags -DGYR_PROBE=1 $units -o "$scratch/watch" -lbpf -lelf -lz -lfmt

"$scratch/watch" umask 3 > "$scratch/seen" 2> "$scratch/errors" &
watcher=$!
for _ in $(seq 100); do
  grep -q ready "$scratch/seen" && break
  kill -0 $watcher 2> /dev/null || break
  sleep 0.05
done
if ! grep -q ready "$scratch/seen"; then
  status=0
  wait $watcher || status=$?
  cat "$scratch/errors"
  exit "$status"
fi
bash -c 'umask 0137; umask 0022' # each umask is one call: the second returns the first's mask
wait $watcher
# res=0137 octal = 5f, mask=022 octal = 12, little-endian.
if ! grep -q '^umask res=5f00000000000000 mask=12000000$' "$scratch/seen"; then
  echo "the new row's event was not seen; seen:"
  cat "$scratch/seen"
  exit 1
fi
echo "passed: one row, and umask is collected: $(grep -c '^umask' "$scratch/seen") events"
