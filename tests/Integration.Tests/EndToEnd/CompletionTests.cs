using Countersign.Cli;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

public sealed class CompletionTests
{
    // Proves that each shell gets a script which asks the command for its words, and that the command has them, by the
    // directive that the scripts use.
    [Theory]
    [InlineData("bash", "complete -o default -F _countersign_complete countersign\n")]
    [InlineData("zsh", "compdef _countersign countersign\n")]
    [InlineData("fish", "complete -c countersign -a '(__countersign_complete)'\n")]
    public async Task A_shell_completes_the_command(string shell, string registration)
    {
        CommandEnd script = await CountersignProcess.RunAsync("completion", shell);
        Assert.Equal(ExitCodes.Ok, script.ExitCode);
        Assert.EndsWith(registration, script.Output, StringComparison.Ordinal);
        Assert.Contains("[suggest:", script.Output, StringComparison.Ordinal);
        CommandEnd words = await CountersignProcess.RunAsync("[suggest:9]", "policy va");
        Assert.Equal("validate", words.Output.Trim());
    }
}
