# PID 1 of the node: sh init.sh FOLDER COMMAND..., started by `unshare --mount --pid --fork --kill-child --mount-proc`.
# Prepares what the kubelet and containerd write to outside of their own folders, and runs containerd. When this ends,
# every process of the node does. CGROUP2 is the node's folder where cgroups are of version 2, else it is not set.
set -eu

# Version 2: the folder is the root of a cgroup namespace, so that nobody writes into a folder above.
if [ -n "${CGROUP2:-}" ]; then
  echo 0 >"$CGROUP2/cgroup.procs"
  export CGROUP2= IN_CGROUP2=yes
  exec unshare --cgroup sh "$0" "$@"
fi
if [ -n "${IN_CGROUP2:-}" ]; then
  umount -R /sys/fs/cgroup
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  # No process may be in a folder that hands controllers on.
  mkdir /sys/fs/cgroup/node
  echo 0 >/sys/fs/cgroup/node/cgroup.procs
fi

folder=$1
shift

# Some paths cannot be configured: /var/lib/kubelet/device-plugins, /var/lib/cni, /var/log/containers, /run/netns.
mount -t tmpfs -o mode=0755 tmpfs /run
scratch=$folder/scratch
mount -t tmpfs -o mode=0755 tmpfs "$scratch"
for name in lib log; do
  mkdir "$scratch/$name" "$scratch/$name.work"
  mount -t overlay -o "lowerdir=/var/$name,upperdir=$scratch/$name,workdir=$scratch/$name.work" overlay "/var/$name"
done

# The kubelet sets these for the whole machine. Here it finds them set, and cannot write any other; those of the network
# are the namespace's own.
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount --bind /proc/sys/net /proc/sys/net
mount -o remount,bind,rw /proc/sys/net
while read -r path value; do
  file=$scratch/$(echo "$path" | tr / _)
  echo "$value" >"$file"
  mount --bind -o ro "$file" "/proc/sys/$path"
done <<END
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
END

# Not by exec: a shell takes in the processes that have lost their parent, containerd does not.
"$@" &
wait $!
