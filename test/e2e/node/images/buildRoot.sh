# Run by imageRoot.ts in a mount and a pid namespace of its own: what it mounts and starts ends with it.
#
#   sh buildRoot.sh base  ROOT                  a root file system of Debian bookworm, with apt's lists
#   sh buildRoot.sh layer BASE UPPER WORK FILES one program's packages, users, files and steps in UPPER, over BASE
#
# Environment: DEBOOTSTRAP, DEBOOTSTRAP_DIR, KEYRING, MIRROR, SECURITY_MIRROR, APT_SETTINGS (lines for apt.conf) for base;
# PACKAGES, USERS (lines of `name uid gid home`), VERSION_OF, VERSION_FILE, STEPS for layer.
set -eu

export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# What a package's script may ask for. Not /sys: nothing in it is the image's business.
enter() {
  mount -t proc proc "$1/proc"
  mount -t tmpfs -o mode=0755 tmpfs "$1/dev"
  for device in null zero full random urandom tty; do
    touch "$1/dev/$device"
    mount --bind "/dev/$device" "$1/dev/$device"
  done
  ln -s /proc/self/fd "$1/dev/fd"
  ln -s fd/0 "$1/dev/stdin"
  ln -s fd/1 "$1/dev/stdout"
  ln -s fd/2 "$1/dev/stderr"
  mkdir -m 1777 "$1/dev/shm"
  # The machine's, so that names resolve; a mount, so that it is not part of the image.
  [ -e "$1/etc/resolv.conf" ] || touch "$1/etc/resolv.conf"
  mount --bind /etc/resolv.conf "$1/etc/resolv.conf"
}

leave() {
  umount -R "$1/dev"
  umount "$1/etc/resolv.conf" "$1/proc"
}

build_base() {
  root=$1
  "$DEBOOTSTRAP" --variant=minbase --keyring="$KEYRING" --force-check-gpg --include=ca-certificates bookworm "$root" "$MIRROR"
  printf 'deb %s bookworm main\ndeb %s bookworm-updates main\ndeb %s bookworm-security main\n' \
    "$MIRROR" "$MIRROR" "$SECURITY_MIRROR" > "$root/etc/apt/sources.list"
  printf '%s\n' "$APT_SETTINGS" > "$root/etc/apt/apt.conf.d/80machine"
  printf '%s\n' 'APT::Install-Recommends "false";' 'Acquire::Languages "none";' \
    'Acquire::Retries "3";' > "$root/etc/apt/apt.conf.d/70images"
  # As Debian's slim images do; the sync after each file is for machines that may lose power.
  printf '%s\n' force-unsafe-io path-exclude=/usr/share/man/* path-exclude=/usr/share/doc/* \
    path-exclude=/usr/share/locale/* path-exclude=/usr/share/info/* > "$root/etc/dpkg/dpkg.cfg.d/images"
  # Services must not start where the image is made.
  printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
  chmod 0755 "$root/usr/sbin/policy-rc.d"
  rm -rf "$root"/usr/share/man/* "$root"/usr/share/doc/* "$root"/usr/share/locale/* "$root"/usr/share/info/* \
    "$root"/var/cache/apt/* "$root"/var/log/*.log "$root"/dev/*
  # Where some packages register their manuals' names, and fail where they cannot.
  mkdir "$root/usr/share/man/man1"
  rm -f "$root/etc/resolv.conf"
  touch "$root/etc/resolv.conf"
  enter "$root"
  chroot "$root" apt-get -q update
  # Security updates of what is there already, once for all images.
  chroot "$root" apt-get -qy upgrade
  rm -rf "$root"/var/cache/apt/*
  leave "$root"
}

build_layer() {
  base=$1 upper=$2 work=$3 files=$4
  root=$(mktemp -d)
  mount -t tmpfs tmpfs "$root"
  mkdir "$root/root"
  root=$root/root
  # The upper folder is read once, right after, or thrown away: nothing needs to reach the disk in order.
  mount -t overlay -o "lowerdir=$base,upperdir=$upper,workdir=$work,volatile" overlay "$root"
  enter "$root"
  printf '%s\n' "$USERS" | while read -r name uid gid home; do
    [ -n "$name" ] || continue
    chroot "$root" groupadd --system --gid "$gid" "$name"
    chroot "$root" useradd --system --no-create-home --uid "$uid" --gid "$gid" --home-dir "$home" \
      --shell /usr/sbin/nologin "$name"
    if [ "$home" != /nonexistent ]; then
      mkdir -p "$root$home"
      chown "$uid:$gid" "$root$home"
    fi
  done
  if [ -n "$PACKAGES" ]; then
    # The base's lists may be old: the mirror may have no more what they name.
    chroot "$root" apt-get -qy install $PACKAGES || {
      chroot "$root" apt-get -q update
      chroot "$root" apt-get -qy install $PACKAGES
    }
  fi
  cp -a --no-preserve=ownership "$files/." "$root/"
  chroot "$root" sh -euc "$STEPS"
  chroot "$root" dpkg-query -W -f '${Version}' "$VERSION_OF" > "$VERSION_FILE"
  rm -rf "$root"/tmp/*
  leave "$root"
  mark_removed "$base" "$root" "$upper"
  umount "$root"
  find "$upper" -type c -delete
}

# Files of the base that the image has no more, as the OCI layer format says it: `.wh.NAME` beside. Found by what
# can be seen, not by what overlayfs keeps for itself (device files 0:0, opaque folders).
mark_removed() {
  (cd "$1" && find . -path ./var/lib/apt/lists -prune -o -print | sort) > "$3.before"
  (cd "$2" && find . -print | sort) > "$3.after"
  comm -23 "$3.before" "$3.after" | while IFS= read -r path; do
    folder=${path%/*}
    # With a folder goes all that is in it.
    if [ -d "$2/$folder" ]; then
      mkdir -p "$3/$folder"
      : > "$3/$folder/.wh.${path##*/}"
    fi
  done
}

part=$1
shift
"build_$part" "$@"
