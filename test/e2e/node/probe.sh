# Says on its last line what a node needs and the kernel does not give: sh probe.sh, as PID 1 of namespaces like the
# node's own, with which all that it makes ends.
try() {
  what=$1
  shift
  if ! said=$("$@" 2>&1); then
    echo "$what: $said" | tr '\n' ' '
    exit 1
  fi
}

try 'no tmpfs' mount -t tmpfs tmpfs /run
mkdir /run/lower /run/upper /run/work /run/merged
try 'no overlay file system' mount -t overlay -o lowerdir=/run/lower,upperdir=/run/upper,workdir=/run/work overlay /run/merged
try 'no network bridge' ip link add bridge0 type bridge
try 'no veth network devices' ip link add veth0 type veth peer name veth1
try 'no read-only bind mount of /proc/sys' mount --bind /proc/sys /proc/sys
try 'no read-only bind mount of /proc/sys' mount -o remount,bind,ro /proc/sys
