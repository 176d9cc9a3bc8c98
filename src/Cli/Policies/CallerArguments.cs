using System.CommandLine;
using System.Text.Json;
using Countersign.Cli.Configuration;
using Countersign.Identity.Inbound;
using Countersign.Policy;

namespace Countersign.Cli.Policies;

/// <summary>Who is supposed to call: by options, or by the claims of a token.</summary>
internal sealed class CallerArguments
{
    private const string DefaultIssuer = "https://issuer.test";

    private readonly Option<string[]> _groups = new("--groups", "-g")
    {
        Description = "The caller's groups, separated by commas",
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string?> _subject = new("--subject") { Description = "The caller's subject" };
    private readonly Option<string?> _issuer = new("--issuer") { Description = "Who vouches for the caller" };
    private readonly Option<string?> _kind =
        new("--kind") { Description = "human (the default), agent, ci or service" };

    private readonly Option<string[]> _chain = new("--chain")
    {
        Description = "The people behind the caller, separated by commas; a human's own subject by default",
    };

    private readonly Option<string?> _claims = new("--claims")
    {
        Description = "Instead: a file with the claims of a token as JSON; - is standard input. Nothing is verified",
    };

    private readonly Option<string?> _config = new("--config")
    {
        Description = "With --claims: the configuration file that says what claims mean; usual names otherwise",
    };

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _groups, _subject, _issuer, _kind, _chain, _claims, _config })
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The caller; null, and said why, if the options name none.</summary>
    internal Caller? Read(CommandEnvironment environment, ParseResult parsed)
    {
        string[] groups = Split(parsed.GetValue(_groups));
        if (parsed.GetValue(_claims) is { } file)
        {
            bool isMixed = groups.Length > 0 || parsed.GetValue(_subject) is not null;
            if (!isMixed) return FromClaims(environment, file, parsed.GetValue(_config));
            environment.Fail("give --claims, or --groups and --subject, and not both");
            return null;
        }

        CallerKind? kind = (parsed.GetValue(_kind) ?? "human") switch
        {
            "human" => CallerKind.Human,
            "agent" => CallerKind.Agent,
            "ci" => CallerKind.Ci,
            "service" => CallerKind.Service,
            _ => null,
        };
        if (kind is null)
        {
            environment.Fail("--kind must be human, agent, ci or service");
            return null;
        }

        string subject = parsed.GetValue(_subject) ?? "someone";
        string[] chain = Split(parsed.GetValue(_chain));
        if (chain.Length == 0 && kind == CallerKind.Human) chain = [subject];
        return new Caller(parsed.GetValue(_issuer) ?? DefaultIssuer, subject, kind.Value, groups, chain);
    }

    private static string[] Split(string[]? values) => [.. (values ?? [])
        .SelectMany(value => value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];

    private static Caller? FromClaims(CommandEnvironment environment, string file, string? config)
    {
        if (PolicyFile.ReadText(environment, file) is not { } text) return null;
        try
        {
            using JsonDocument claims = JsonDocument.Parse(text);
            if (FindIssuer(environment, claims.RootElement, config) is not { } issuer) return null;
            Caller? caller = TokenClaims.ToCaller(claims.RootElement, issuer, out string fault);
            if (caller is null) environment.Fail($"{file}: {fault}");
            return caller;
        }
        catch (JsonException broken)
        {
            environment.Fail($"{file}: {broken.Message}");
            return null;
        }
    }

    private static IssuerOptions? FindIssuer(CommandEnvironment environment, JsonElement claims, string? config)
    {
        string name = claims.ValueKind == JsonValueKind.Object && claims.TryGetProperty("iss", out JsonElement iss)
            && iss.ValueKind == JsonValueKind.String ? iss.GetString()! : DefaultIssuer;
        if (config is null) return new IssuerOptions { Issuer = name, Audiences = ["-"] };
        ConfigurationReading configuration = ConfigurationReader.Read(
            config, environment.Variables, new ConfigurationFlags(), environment.MachineName);
        foreach (string error in configuration.Errors) environment.Fail(error);
        if (configuration.Options is null) return null;
        IssuerOptions? issuer = configuration.Options.Issuers.FirstOrDefault(one => one.Issuer == name);
        if (issuer is null) environment.Fail($"{config} has no issuer '{name}'");
        return issuer;
    }
}
