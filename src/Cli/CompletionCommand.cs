using System.CommandLine;

namespace Countersign.Cli;

/// <summary>
/// <c>countersign completion</c>: prints what makes a shell complete the command line. The words come from the
/// <c>[suggest]</c> directive, so they are always those of this version.
/// </summary>
internal static class CompletionCommand
{
    private const string Bash = """
        # countersign completion bash: put  source <(countersign completion bash)  into ~/.bashrc
        _countersign_complete() {
            local IFS=$'\n' line=${COMP_LINE#* } cut=${COMP_LINE%% *}
            local at=$((COMP_POINT - ${#cut} - 1)) current=${COMP_WORDS[COMP_CWORD]}
            COMPREPLY=($(compgen -W "$("$1" "[suggest:$at]" "$line" 2>/dev/null)" -- "$current"))
        }
        complete -o default -F _countersign_complete countersign

        """;

    private const string Zsh = """
        # countersign completion zsh: put  source <(countersign completion zsh)  into ~/.zshrc, after compinit
        _countersign() {
            local -a found
            local line="${(j: :)words[2,CURRENT]}"
            found=("${(@f)$(countersign "[suggest:${#line}]" "$line" 2>/dev/null)}")
            compadd -- $found || _files
        }
        compdef _countersign countersign

        """;

    private const string Fish = """
        # countersign completion fish: countersign completion fish > ~/.config/fish/completions/countersign.fish
        function __countersign_complete
            set -l words (commandline -opc) (commandline -ct)
            set -l line (string join ' ' -- $words[2..-1])
            countersign "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete -c countersign -a '(__countersign_complete)'

        """;

    /// <summary>The command.</summary>
    internal static Command Create(CommandEnvironment environment) =>
        new("completion", "Print a script that makes a shell complete this command")
        {
            CreateFor("bash", "source <(countersign completion bash)", Bash, environment),
            CreateFor("zsh", "source <(countersign completion zsh), after compinit", Zsh, environment),
            CreateFor("fish", "to ~/.config/fish/completions/countersign.fish", Fish, environment),
        };

    private static Command CreateFor(string shell, string use, string script, CommandEnvironment environment)
    {
        Command command = new(shell, $"For {shell}: {use}");
        command.SetAction(_ =>
        {
            environment.Out.Write(script.ReplaceLineEndings("\n"));
            return ExitCodes.Ok;
        });
        return command;
    }
}
