/**
 * Each script asks `nereid complete` for what may stand at the cursor: a line a word, and last what the shell shall
 * find by itself, if anything, after a tab.
 */
export const shellScripts: Readonly<Record<'bash' | 'zsh' | 'fish', string>> = {
  bash: `_nereid() {
  local line then=
  COMPREPLY=()
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  # Bash cuts words at '=': --model=x comes as three.
  if [[ \${#words[@]} -ge 3 && \${words[-2]} == = ]]; then
    words=("\${words[@]:0:\${#words[@]}-3}" "\${words[-3]}=\${words[-1]}")
  elif [[ \${#words[@]} -ge 2 && \${words[-1]} == = ]]; then
    words=("\${words[@]:0:\${#words[@]}-2}" "\${words[-2]}=")
  fi
  while IFS= read -r line; do
    case $line in
      $'\\t'*) then=\${line#?} ;;
      --*=*) [[ \${words[-1]} == *=* ]] && COMPREPLY+=("\${line#*=}") || COMPREPLY+=("$line") ;;
      *) COMPREPLY+=("$line") ;;
    esac
  done < <(nereid complete -- "\${words[@]}" 2>/dev/null)
  local cursor=\${COMP_WORDS[COMP_CWORD]}
  [[ $cursor == = ]] && cursor=
  case $then in
    files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cursor") ;;
    directories) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cursor") ;;
  esac
}
complete -F _nereid nereid
`,
  zsh: `#compdef nereid
_nereid() {
  local line then=
  local -a offers
  while IFS= read -r line; do
    case $line in
      $'\\t'*) then=\${line#?} ;;
      *) offers+=("$line") ;;
    esac
  done < <(nereid complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  case $then in
    files) _files ;;
    directories) _files -/ ;;
    *) compadd -Q -- "\${offers[@]}" ;;
  esac
}
if [[ $funcstack[1] == _nereid ]]; then
  _nereid "$@"
else
  compdef _nereid nereid
fi
`,
  fish: `function __nereid_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in (nereid complete -- $words[2..-1] 2>/dev/null)
    switch $line
      case \\tfiles
        __fish_complete_path (commandline -ct)
      case \\tdirectories
        __fish_complete_directories (commandline -ct)
      case '*'
        echo $line
    end
  end
end
complete -c nereid -f -a '(__nereid_complete)'
`,
};
