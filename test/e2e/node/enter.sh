# The namespaces in which a node's tests run: sh enter.sh COMMAND..., started by `unshare --mount --net --uts --ipc`.
# The control plane, the node and the pods see each other here, and nothing of it is seen by the machine. They end with
# the last process in them.
set -eu

node=kube-harden-node
address=10.98.0.1

# The API server, etcd and the webhook talk over loopback.
ip link set lo up
# The kubelet wants an address that is not loopback, and a default route. This one leads nowhere.
ip link add node0 type bridge
ip address add "$address/24" dev node0
ip link set node0 up
ip route add default dev node0
# There is no DNS: whoever asks is to be refused at once, every time, instead of waiting for an answer.
echo 0 >/proc/sys/net/ipv4/icmp_ratelimit

echo "$node" >/proc/sys/kernel/hostname

export E2E_NODE_NAME="$node" E2E_NODE_ADDRESS="$address"
exec "$@"
