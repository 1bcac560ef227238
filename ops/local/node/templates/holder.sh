#!/bin/sh
# The first process of a node. It owns the namespaces that the node lives in: processes,
# mounts and network. When it ends, however it ends, the kernel ends every other process
# in them and takes their mounts, interfaces and packet filters away.
#
# Argument: the node's folder on this machine.
set -eu

# Children that nobody waits for vanish at once.
trap '' CHLD

# Pods get mounts of ours, this machine gets none.
mount --make-rshared /
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir /run/node /run/lock
mount --bind "$1" /run/node

# The kubelet and the network plugins write below these by names that no option changes. They see what is
# there, as far as it may matter (a checkout, an interpreter), and what they write goes with the node.
mount -t tmpfs -o mode=0755 tmpfs /var/log
mkdir -p /run/lib/upper /run/lib/work
mount -t overlay -o lowerdir=/var/lib,upperdir=/run/lib/upper,workdir=/run/lib/work overlay /var/lib
for name in kubelet cni; do
    # What a node of this machine's own keeps there is none of this one's business.
    mkdir -p "/var/lib/$name"
    mount -t tmpfs -o mode=0755 tmpfs "/var/lib/$name"
done

# The kubelet wants these settings and would write them: they are the whole machine's,
# so it is shown files that say what it wants to read.
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    name=${setting%=*}
    echo "${setting#*=}" > "/run/lock/$(basename "$name")"
    mount --bind "/run/lock/$(basename "$name")" "/proc/sys/$name"
done

# These are the node's own.
echo 1 > /proc/sys/net/ipv4/ip_forward
if [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]; then
    echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
fi

touch /run/node/etc/ready
while :; do sleep 86400; done
