export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** The hidden command that prints completions, one per line: value, tab, description. */
export const COMPLETE_WORD = '__complete';

/**
 * Completion scripts of the shells. Each passes the words up to the cursor to `orama`, so that
 * commands are defined in one place only.
 */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `_orama() {
  local words value
  read -r -a words <<< "\${COMP_LINE:0:COMP_POINT}"
  [[ "\${COMP_LINE:0:COMP_POINT}" == *[[:space:]] ]] && words+=("")
  COMPREPLY=()
  while IFS=$'\\t' read -r value _; do
    COMPREPLY+=("$value")
  done < <("\${words[0]}" ${COMPLETE_WORD} "\${words[@]:1}" 2>/dev/null)
}
complete -o default -F _orama orama orama-functions
`,
  zsh: `#compdef orama orama-functions
_orama() {
  local -a found
  local line value about
  while IFS=$'\\t' read -r value about; do
    value=\${value//:/\\\\:}
    found+=("\${value}\${about:+:$about}")
  done < <("\${words[1]}" ${COMPLETE_WORD} "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then
    _describe -t values orama found
  else
    _files
  fi
}
if [ "\${funcstack[1]}" = _orama ]; then
  _orama "$@"
else
  compdef _orama orama orama-functions
fi
`,
  fish: `function __orama_complete
  set -l words (commandline --tokenize --current-process --cut-at-cursor)
  set -l word (commandline --current-token --cut-at-cursor)
  set -l program $words[1]
  set --erase words[1]
  set -l found ($program ${COMPLETE_WORD} $words "$word" 2>/dev/null)
  if set --query found[1]
    printf '%s\\n' $found
  else
    __fish_complete_path "$word"
  end
end
complete --command orama --no-files --arguments '(__orama_complete)'
complete --command orama-functions --no-files --arguments '(__orama_complete)'
`,
};
