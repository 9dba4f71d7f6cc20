import type { Shell } from './completion.js';
import { DIRECTIVE } from './completionValues.js';

/**
 * Each asks `kube-harden __complete` with the words so far. What was typed is passed on as it is and never evaluated:
 * a line that is only being written must not run.
 */

/** Bash splits words at = and : too (COMP_WORDBREAKS); here they are put together again. Runs on macOS' bash 3.2. */
const BASH = `# bash completion for kube-harden: source <(kube-harden completion bash)
_kube_harden() {
  local rest=\${COMP_LINE:0:COMP_POINT} word trimmed out directive candidate ending i
  local words=() candidates=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    trimmed=\${rest#"\${rest%%[![:space:]]*}"}
    ((i == COMP_CWORD)) && word=$trimmed
    if ((\${#words[@]} > 0)) && [[ $trimmed == "$rest" ]]; then
      words[\${#words[@]}-1]+=$word
    else
      words+=("$word")
    fi
    rest=\${trimmed#"$word"}
  done
  COMPREPLY=()
  out=$("\${words[0]/#~\\//$HOME/}" __complete "\${words[@]:1}" 2>/dev/null) || return 0
  directive=\${out##*:}
  local current=\${words[\${#words[@]}-1]} shown=\${COMP_WORDS[COMP_CWORD]}
  [[ $current == -*=* ]] && current=\${current#*=}
  [[ $shown == [=:] ]] && shown=
  while IFS= read -r candidate; do
    candidate=\${candidate%%$'\\t'*}
    [[ -n $candidate && $candidate != ":$directive" ]] && candidates+=("$candidate")
  done <<<"$out"
  if ((directive & ${DIRECTIVE.folders})); then
    compopt -o filenames 2>/dev/null
    while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -d -- "$current")
  elif ((directive & ${DIRECTIVE.filesEnding})); then
    compopt -o filenames 2>/dev/null
    while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(
      compgen -d -- "$current"
      for ending in "\${candidates[@]}"; do compgen -f -X "!*.$ending" -- "$current"; done
    )
  elif ((\${#candidates[@]} == 0 && !(directive & ${DIRECTIVE.noFiles}))); then
    compopt -o filenames 2>/dev/null
    while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -f -- "$current")
  else
    for candidate in \${candidates[@]+"\${candidates[@]}"}; do
      COMPREPLY+=("\${candidate#"\${current%"$shown"}"}")
    done
  fi
}
complete -F _kube_harden kube-harden kubectl-harden
`;

const ZSH = `#compdef kube-harden kubectl-harden
# zsh completion for kube-harden: source <(kube-harden completion zsh)
_kube_harden() {
  local directive line
  local -a lines described
  lines=("\${(@f)$("\${(Q)words[1]/#\\~\\//$HOME/}" __complete "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  directive=\${lines[-1]#:}
  [[ $directive == <-> ]] || return 1
  lines[-1]=()
  [[ $PREFIX == -*=* ]] && compset -P 1 '*='
  if ((directive & ${DIRECTIVE.folders})); then
    _files -/
  elif ((directive & ${DIRECTIVE.filesEnding})); then
    _files -g "*.(\${(j:|:)lines})(-.)"
  elif ((\${#lines} == 0)); then
    ((directive & ${DIRECTIVE.noFiles})) || _files
  else
    for line in "\${lines[@]}"; do
      described+=("\${\${line%%$'\\t'*}//:/\\\\:}\${\${(M)line%%$'\\t'*}:+:\${line#*$'\\t'}}")
    done
    _describe -V 'kube-harden' described
  fi
}
if [[ $funcstack[1] == _kube_harden ]]; then
  _kube_harden "$@"
else
  compdef _kube_harden kube-harden kubectl-harden
fi
`;

const FISH = `# fish completion for kube-harden: kube-harden completion fish > ~/.config/fish/completions/kube-harden.fish
function __kube_harden_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
    or return
    set -l directive (string replace : '' -- $lines[-1])
    set -e lines[-1]
    set -l prefix (string match -r -- '^-[^=]*=' "$current")
    set -l path (string replace -- "$prefix" '' "$current")
    set -l paths
    if test (math "bitand($directive, ${DIRECTIVE.folders})") -ne 0
        set paths (__fish_complete_directories "$path" '')
        set lines
    else if test (math "bitand($directive, ${DIRECTIVE.filesEnding})") -ne 0
        set -l endings (string join '|' -- $lines)
        for candidate in (complete -C "'' $path")
            string match -qr -- "(/|\\.($endings))(\\t.*)?\\$" $candidate
            and set -a paths $candidate
        end
        set lines
    else if test (count $lines) -eq 0; and test (math "bitand($directive, ${DIRECTIVE.noFiles})") -eq 0
        set paths (complete -C "'' $path")
    end
    for candidate in $lines $paths
        printf '%s%s\\n' "$prefix" $candidate
    end
end
complete -c kube-harden -c kubectl-harden -f -k -a '(__kube_harden_complete)'
`;

/** The script of each shell. */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
