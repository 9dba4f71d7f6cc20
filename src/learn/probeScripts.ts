/*
 * What is run in a container to look at it: POSIX sh, as dash, bash and busybox's ash have it, with the programs that the
 * image happens to have. None of them writes a file (no redirection to one, no here-document, which some shells keep in
 * one) or reads the environment or arguments of a process; each ends by itself, having walked what it was given. busybox's
 * timeout is not for them: its timer becomes a child of the container's first process, which may never reap it.
 *
 * Each prints sections: a line `@ NAME ARGUMENTS`, then text as the kernel or a program gives it. A file whose name has a
 * line break is left out, so that no name can pass for a line.
 */

const SETTINGS = `
# By this whoever gives up waiting can end it.
echo "@ self $$"
PATH="\${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"
LC_ALL=C
export PATH LC_ALL
set -f
has() { command -v "$1" >/dev/null 2>&1; }
# No cat is needed. A file that cannot be read gives nothing.
put() { { while IFS= read -r line || [ -n "$line" ]; do printf '%s\\n' "$line"; done <"$1"; } 2>/dev/null; }
newline='
'
`;

/**
 * Processes, mounts, ports and memory: `sh -c SCRIPT learn ROOT FIRST PROCESSES REFERENCE`. ROOT is where the
 * container's files are: empty, or /proc/PID/root; FIRST its first process where the probe's own is not in its mounts.
 */
export const STATE_SCRIPT = `
root=$1 first=$2 most=$3 reference=$4
${SETTINGS}
put "/proc/$$/status"
echo "@ selfcgroup"
put "/proc/$$/cgroup"
echo "@ tools"
for tool in find stat ls readlink tar getcap getfattr; do if has "$tool"; then echo "$tool"; fi; done
echo "@ now"
date +%s.%N
echo "@ uptime"
put /proc/uptime
echo "@ reference"
if has stat; then stat -c '%y' "$root$reference" 2>/dev/null; fi
echo "@ mountinfo"
if [ -n "$first" ]; then put "/proc/$first/mountinfo"; else put "/proc/$$/mountinfo"; fi
for table in tcp tcp6 udp udp6; do
  echo "@ $table"
  # A busy proxy has tens of thousands of connections.
  if has grep; then
    grep ': [0-9A-F]*:[0-9A-F]* 0*:0000 0[A7] ' "/proc/net/$table" 2>/dev/null
  else
    { while IFS= read -r line; do
      case $line in
        *": "*":0000 0A "* | *": "*":0000 07 "*) printf '%s\\n' "$line" ;;
      esac
    done <"/proc/net/$table"; } 2>/dev/null
  fi
done
for file in memory.peak memory.max memory.stat memory/memory.max_usage_in_bytes memory/memory.limit_in_bytes memory/memory.stat; do
  echo "@ memory $file"
  put "$root/sys/fs/cgroup/$file"
done
cd /proc
set +f
count=0
for pid in [0-9]*; do
  if [ "$count" -ge "$most" ]; then
    echo "@ processcut"
    break
  fi
  count=$((count + 1))
  echo "@ process $pid"
  if has cat; then
    cat "$pid/status" "$pid/cgroup" "$pid/stat" 2>/dev/null
  else
    put "$pid/status"
    put "$pid/cgroup"
    put "$pid/stat"
  fi
  echo "@ files $pid"
  if has ls; then
    ls -ln "$pid/exe" "$pid/root" "$pid/ns/user" "$pid/fd" 2>/dev/null | {
      lines=0
      while IFS= read -r line && [ "$lines" -lt 100 ]; do
        case $line in
          *"/exe -> "* | *"/root -> "* | *"/ns/user -> "*) printf '%s\\n' "$line" ;;
          *"-> /dev/"* | *"-> /proc/"*) ;;
          l?w*"-> /"* | *"-> socket:"*)
            printf '%s\\n' "$line"
            lines=$((lines + 1))
            ;;
        esac
      done
    }
  fi
  echo "@ program $pid"
  if has stat; then stat -L -c '%f %u' "$pid/exe" 2>/dev/null; fi
done
echo "@ end"
`;

/**
 * Files newer than the container: `sh -c SCRIPT learn ROOT START MINUTES REFERENCE MOST DIRECTORY...`. START is in
 * seconds since the epoch, MINUTES how long ago that is, rounded up; REFERENCE a file that is as old as the container.
 * A line a file: `f MODE UID GID SIZE MODIFIED CHANGED PATH` with the mode in hexadecimal, `l` and a line of ls, or `t KIND PATH`
 * where only a shell is there.
 */
export const FILES_SCRIPT = `
root=$1 start=$2 minutes=$3 reference=$4 most=$5
shift 5
${SETTINGS}
if ! [ -e "$root$reference" ]; then reference=; fi
# By the times of the files themselves where they come with a line; and never more lines than asked for.
pick() {
  lines=0
  while IFS= read -r line; do
    if [ "$1" = times ]; then
      shown=$line
      set -- times $line
      if [ "$#" -lt 8 ] || [ "$7" -lt "$start" ]; then continue; fi
      line="f $shown"
    fi
    if [ "$lines" -ge "$most" ]; then
      echo "@ cut"
      break
    fi
    lines=$((lines + 1))
    printf '%s\\n' "$line"
  done
}
echo "@ files"
if has find && find / -maxdepth 0 -newerct @0 -printf '' >/dev/null 2>&1; then
  for directory; do
    if [ -n "$reference" ]; then
      find "$root$directory" -xdev -newerct "@$start" -cnewer "$root$reference" ! -name "*$newline*" -printf 'g %y %m %U %G %s %T@ %C@ %p\\n'
    else
      find "$root$directory" -xdev -newerct "@$start" ! -name "*$newline*" -printf 'g %y %m %U %G %s %T@ %C@ %p\\n'
    fi
  done | pick all
elif has find; then
  age=-mmin
  if find / -maxdepth 0 -cmin -1 >/dev/null 2>&1; then age=-cmin; fi
  for directory; do
    if has stat; then
      find "$root$directory" -xdev "$age" "-$minutes" ! -name "*$newline*" -exec stat -c '%f %u %g %s %Y %Z %n' {} +
    elif has ls; then
      find "$root$directory" -xdev "$age" "-$minutes" ! -name "*$newline*" -exec ls -dln {} + | while IFS= read -r line; do printf 'l %s\\n' "$line"; done
    else
      find "$root$directory" -xdev "$age" "-$minutes" ! -name "*$newline*" | while IFS= read -r line; do printf 't %s\\n' "$line"; done
    fi
  done | if has stat; then pick times; else pick all; fi
else
  set +f
  mounts=$newline
  if [ -z "$root" ]; then
    while read -r id parent device of point rest; do mounts="$mounts$point$newline"; done </proc/self/mountinfo
  fi
  show() {
    if has stat; then stat -c 'f %f %u %g %s %Y %Z %n' "$1"
    elif has ls; then printf 'l '; ls -dln "$1"
    else printf 't %s\\n' "$1"; fi
  }
  walk() {
    for file in "\${1%/}"/* "\${1%/}"/.[!.]* "\${1%/}"/..?*; do
      case $file in *"$newline"*) continue ;; esac
      case $mounts in *"$newline$file$newline"*) continue ;; esac
      if ! [ -e "$file" ] && ! [ -L "$file" ]; then continue; fi
      if [ "$file" -nt "$root$reference" ]; then show "$file"; fi
      if [ -d "$file" ] && ! [ -L "$file" ]; then walk "$file"; fi
    done
  }
  for directory; do
    if [ -n "$reference" ]; then walk "$root$directory"; fi
  done | pick all
  if [ -z "$reference" ]; then echo "@ noreference"; fi
fi
echo "@ end"
`;

/**
 * What stands in directories: `sh -c SCRIPT learn ROOT MOST DIRECTORY...`. For each a line `d MODE UID GID`, then
 * `e KIND NAME` an entry: `f` for what is no directory, `l` for a link, `d` for a directory without files in it, `D` for one with files. After
 * `@ directory PATH`; `@ link PATH TARGET` where the path leads through a link.
 */
export const DIRECTORIES_SCRIPT = `
root=$1 most=$2
shift 2
${SETTINGS}
set +f
for directory; do
  echo "@ directory $directory"
  place=$root$directory
  if has stat; then stat -c 'd %f %u %g' "$place" 2>/dev/null
  elif has ls; then printf 'l '; ls -dln "$place" 2>/dev/null; echo; fi
  if [ -L "$place" ] && has readlink; then echo "to $(readlink "$place")"; fi
  if ! [ -d "$place" ]; then continue; fi
  count=0
  for file in "\${place%/}"/* "\${place%/}"/.[!.]* "\${place%/}"/..?*; do
    case $file in *"$newline"*) continue ;; esac
    if ! [ -e "$file" ] && ! [ -L "$file" ]; then continue; fi
    if [ "$count" -ge "$most" ]; then
      echo "@ entriescut $directory"
      break
    fi
    count=$((count + 1))
    kind=f
    if [ -L "$file" ]; then kind=l
    elif [ -d "$file" ]; then
      kind=D
      if has find; then
        kind=d
        if find "$file" -xdev ! -type d 2>/dev/null | { read -r one; }; then kind=D; fi
      fi
    fi
    printf 'e %s %s\\n' "$kind" "\${file##*/}"
  done
done
echo "@ end"
`;

/**
 * What is for its owner alone in directories, near their roots: `sh -c SCRIPT learn ROOT MOST DIRECTORY...`. Lines as
 * FILES_SCRIPT's: directories that others may not enter, and files that their owner may read and nobody write.
 */
export const GUARDED_SCRIPT = `
root=$1 most=$2
shift 2
${SETTINGS}
echo "@ files"
if has find && has stat; then
  for directory; do
    find "$root$directory" -maxdepth 2 -type d ! -perm -0005 ! -name "*$newline*" -exec stat -c 'f %f %u %g %s %Y %Z %n' {} + 2>/dev/null
    find "$root$directory" -maxdepth 2 -type f -perm 0400 ! -name "*$newline*" -exec stat -c 'f %f %u %g %s %Y %Z %n' {} + 2>/dev/null
  done | {
    lines=0
    while IFS= read -r line && [ "$lines" -lt "$most" ]; do
      printf '%s\\n' "$line"
      lines=$((lines + 1))
    done
  }
fi
echo "@ end"
`;

/**
 * File capabilities of programs: `sh -c SCRIPT learn ROOT FILE...`. A section a file: what getcap or getfattr prints, or the
 * head of an archive, of which tar's record of extended attributes is read; none where nothing can tell.
 */
export const CAPABILITIES_SCRIPT = `
root=$1
shift
${SETTINGS}
for file; do
  if has getcap; then
    echo "@ getcap $file"
    getcap "$root$file" 2>/dev/null
  elif has getfattr; then
    echo "@ getfattr $file"
    getfattr -e hex -n security.capability --absolute-names "$root$file" 2>/dev/null
  elif has tar && has head && has od && tar --version 2>/dev/null | grep -q 'GNU tar'; then
    echo "@ tar $file"
    tar -c --format=posix --xattrs --xattrs-include=security.capability -f - "$root$file" 2>/dev/null | head -c 4096 | od -An -v -tx1
  fi
done
echo "@ end"
`;
