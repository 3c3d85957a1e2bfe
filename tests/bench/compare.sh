#!/bin/sh
# Our speed, and PyTorch's in turn where python3-torch is installed; then the table of ratios.
# usage: tests/bench/compare.sh PROGRAM [WORKLOAD...]     (STEPS=N THREADS="1 2")
set -u
program=$1
shift
here=$(dirname "$0")
steps=${STEPS:-100}
threads=${THREADS:-1 2}
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
peer=no
/usr/bin/python3 -c 'import torch' 2> /dev/null && peer=yes
[ $# -gt 0 ] || set -- logreg mlp mlp128 lenet cnn8 vgg resnet lstm gpt gpt64 sgns glove infer-lenet
for workload in "$@"; do
    for count in $threads; do
        "$program" bench "$workload" --threads "$count" --steps "$steps" | tee -a "$lines"
        case $workload in
        sgns | glove | infer-lenet) continue ;; # no peer
        esac
        [ $peer = yes ] || continue
        # PyTorch's best is often threads in its products alone: the last number.
        for beside in $(printf '%s\n' 1 "$count" | sort -u); do
            /usr/bin/python3 "$here/torch_peer.py" "$workload" "$count" "$steps" "$beside" | tee -a "$lines"
        done
    done
done
if [ $peer = no ]; then
    echo 'No peer: python3-torch is not installed (apt install python3-torch).' >&2
    exit 0
fi
exec /usr/bin/python3 "$here/table.py" < "$lines"
