import { Argument, Command } from "commander";
import type { CommandContext } from "./context.js";

/** The shells ask the tool itself, so that a script never knows less than the tool. */
const BASH = `# Completion of rustydb-mem for bash: source it, or put it into bash_completion.d.
_rustydb_mem() {
  local current="\${COMP_WORDS[COMP_CWORD]}" word about
  [ "$current" = "=" ] && current=""
  COMPREPLY=()
  while IFS=$'\\t' read -r word about; do
    if [ "$word" = ":files" ]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
    else
      # bash has taken --option= off already.
      [[ "$word" == --*=* ]] && word="\${word#*=}"
      COMPREPLY+=("$word")
    fi
  done < <("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _rustydb_mem rustydb-mem
`;

const ZSH = `#compdef rustydb-mem
# Completion of rustydb-mem for zsh: put it as _rustydb-mem into a folder of $fpath.
_rustydb_mem() {
  local line word about
  local -a found
  for line in "\${(@f)$(\${words[1]} complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -z $line ]] && continue
    word=\${line%%$'\\t'*}
    about=\${line#*$'\\t'}
    if [[ $word == ":files" ]]; then
      _files
    else
      found+=("\${word//:/\\\\:}:$about")
    fi
  done
  (( \${#found} )) && _describe -V rustydb-mem found
}
compdef _rustydb_mem rustydb-mem
`;

const FISH = `# Completion of rustydb-mem for fish: put it into ~/.config/fish/completions/rustydb-mem.fish.
function __rustydb_mem_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (command $words[1] complete -- $words[2..-1] 2>/dev/null)
        if string match -q ':files*' -- $line
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c rustydb-mem -f -a '(__rustydb_mem_complete)'
`;

const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;

const EXAMPLES = `
Commands, options, values that can be chosen, allocators, shipped workloads and files are completed.

Examples:
  $ source <(rustydb-mem completion bash)
  $ rustydb-mem completion bash > ~/.local/share/bash-completion/completions/rustydb-mem
  $ rustydb-mem completion zsh > ~/.zfunc/_rustydb-mem
  $ rustydb-mem completion fish > ~/.config/fish/completions/rustydb-mem.fish`;

export function command(context: CommandContext): Command {
  return new Command("completion")
    .summary("a script that completes commands in bash, zsh or fish")
    .description("Print a script with which a shell completes the commands and options of rustydb-mem.")
    .addArgument(new Argument("<shell>", "which shell").choices(["bash", "zsh", "fish"]))
    .addHelpText("after", EXAMPLES)
    .action((shell: keyof typeof SCRIPTS) => {
      context.stdout.write(SCRIPTS[shell]);
    });
}
