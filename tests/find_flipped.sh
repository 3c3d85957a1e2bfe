#!/bin/sh
# Does `gradus errors --suspects` find labels that were flipped on purpose? Trains lenet5 with its
# defaults on Fashion-MNIST with 5 % of the labels flipped (about half a minute) and asks for 0.7 of
# the top 5 % suspects of dev and test: tests/find_flipped.sh [PROGRAM]
set -eu
program=${1:-build/release/gradus}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
GRADUS_STORE=$folder/store.db
export GRADUS_STORE
"$program" train --data fashion-mnist --model lenet5 --flip-labels 0.05 --name flipped --headless
"$program" errors flipped --suspects --json |
    sed -n 's/.*"precision":\([0-9.]*\).*/\1/p' |
    awk '{ print "precision of the top 5 %: " $1; exit !($1 >= 0.7) }'
