#!/bin/sh
# Starts a double, and only in a cluster of the tests: they alone know this name.
# A cluster's DNS may still be on its way up when its pods are.
set -eu
# The first process of a container is asked in vain to end unless it listens.
trap 'exit 143' TERM

for _ in 1 2 3 4 5 6 7 8 9 10; do
    if getent hosts test-cluster.kube-system.svc.cluster.local >/dev/null; then
        exec "$@"
    fi
    sleep 1
done
echo "this is a double for tests, and here is no test cluster" >&2
exit 1
