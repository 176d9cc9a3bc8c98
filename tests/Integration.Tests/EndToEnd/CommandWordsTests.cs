using System.CommandLine;
using System.Text.Json.Nodes;
using Countersign.Cli;
using Countersign.Cli.Approvals;
using Countersign.Cli.Audit;
using Countersign.Cli.Configuration;
using Countersign.Cli.Demo;
using Countersign.Cli.Login;
using Countersign.Cli.Masking;
using Countersign.Cli.Nodes;
using Countersign.Cli.Notices;
using Countersign.Cli.Policies;
using Countersign.Cli.Serve;
using Countersign.Cli.Tokens;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>What commands say to words that they cannot read, and what is left of a word in their JSON.</summary>
public sealed class CommandWordsTests
{
    private static readonly Func<CommandEnvironment, Command>[] All =
    [
        DemoCommand.Create, ServeCommand.Create, PolicyCommand.Create, ApprovalsCommand.Create,
        LoginCommand.CreateLogin, LoginCommand.CreateLogout, NoticesCommand.Create, AuditCommand.Create,
        MaskCommand.Create, NodesCommand.Create, TokenCommand.Create, KeysCommand.Create, CompletionCommand.Create,
        ConfigCommand.Create,
    ];

    [Fact]
    public async Task No_option_names_a_type_of_the_program()
    {
        // Proves over every option of every command that takes no text, by a word, a fraction, a number beyond every
        // type and a negative one: the answer names the option and no type.
        int options = 0;
        foreach (Func<CommandEnvironment, Command> create in All)
        {
            foreach ((string[] path, Option option) in OptionsOf(create))
            {
                options++;
                foreach (string word in new[] { "x\u202E", "1.5", "99999999999999999999", "0x1", "-1" })
                {
                    using CommandRun run = await CommandRun.RunAsync(
                        create, new Dictionary<string, string>(), [.. path, option.Name + "=" + word]);
                    string said = string.Join(' ', path) + " " + run.Errors;
                    Assert.True(await run.End == ExitCodes.Usage, said);
                    Assert.Contains(option.Name + ": '", run.Errors, StringComparison.Ordinal);
                    Assert.False(said.Contains("System.", StringComparison.Ordinal), said);
                    Assert.False(said.Contains("Microsoft.", StringComparison.Ordinal), said);
                    Assert.False(said.Contains('\u202E', StringComparison.Ordinal), said);
                }
            }
        }

        Assert.True(options >= 10, $"only {options} options were found");
    }

    [Fact]
    public void Json_is_escaped_however_it_is_written()
    {
        // Proves that pieces do not matter, by one text written whole, by characters and at every split, with a pair,
        // half a pair, and white space of JSON itself, which stays.
        const string Text = "{\n\t\"a\": \"\u202E\u200B\uD83D\uDE00\U000E0041 \uFEFF\u00A0\u007F\u00E9\" }\r\n";
        const string Safe = "{\n\t\"a\": \"\\u202e\\u200b\uD83D\uDE00\\udb40\\udc41 "
            + "\\ufeff\\u00a0\\u007f\u00E9\" }\r\n";
        Assert.Equal(Safe, Written(json => json.Write(Text)));
        Assert.Equal(Safe, Written(json => json.Write(Text.ToCharArray(), 0, Text.Length)));
        Assert.Equal(Safe, Written(json => Array.ForEach(Text.ToCharArray(), json.Write)));
        for (int at = 0; at <= Text.Length; at++)
        {
            Assert.Equal(Safe, Written(json =>
            {
                json.Write(Text[..at]);
                json.Write(Text[at..]);
            }));
        }

        Assert.Equal(JsonNode.Parse(Text)!["a"]!.ToString(), JsonNode.Parse(Safe)!["a"]!.ToString());
        Assert.Equal("\\ud83d!", Written(json => json.Write("\uD83D!")));
        using StringWriter plain = new();
        using SafeJson off = new(plain);
        off.Write(Text);
        Assert.Equal(Text, plain.ToString());
    }

    private static string Written(Action<SafeJson> write)
    {
        using StringWriter output = new();
        using SafeJson json = new(output) { IsOn = true };
        write(json);
        return output.ToString();
    }

    private static List<(string[] Path, Option Option)> OptionsOf(Func<CommandEnvironment, Command> create)
    {
        CommandEnvironment environment = new(
            new Dictionary<string, string>(), "test", TextWriter.Null, TextWriter.Null, false, TextReader.Null,
            TimeProvider.System);
        List<(string[], Option)> found = [];
        Collect(create(environment), [], found);
        return found;
    }

    private static void Collect(Command command, string[] path, List<(string[], Option)> found)
    {
        foreach (Option option in command.Options)
        {
            Type type = Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType;
            bool isText = type == typeof(string) || type == typeof(string[]) || type == typeof(bool);
            if (!isText && type.IsValueType && type != typeof(void)) found.Add((path, option));
        }

        foreach (Command verb in command.Subcommands) Collect(verb, [.. path, verb.Name], found);
    }
}
