using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Identity.Inbound;
using Countersign.Policy.Approvals;

namespace Countersign.Cli.Tokens;

/// <summary><c>countersign token revoke</c> and <c>revoked</c>: the end of tokens, and what has ended.</summary>
internal static class RevokeVerb
{
    private const string Path = "/api/v1/revocations";

    internal static Command Create(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Option<string?> file = new("--file")
        {
            Description = "File that holds the token to revoke; - reads standard input. Only its SHA-256 is sent",
        };
        Option<string?> issuer = new("--issuer") { Description = "Whose --subject or --id" };
        Option<string?> subject = new("--subject")
        {
            Description = "Revoke every token of this subject issued until now, and end their console sessions",
        };
        Option<string?> id = new("--id") { Description = "Revoke the token with this jti" };
        Option<string?> until = new("--until")
        {
            Description = "Forget it then, such as 2026-03-01T12:00:00Z, and never before the token of --file has "
                + "expired [default: an hour after that; in 30 days where nothing says when]",
        };
        Option<string?> reason = new("--reason") { Description = "Why; kept in the list and in the audit" };
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        Command command = new("revoke", "Revoke a token, or all that a subject has; every gateway hears of it at once")
        {
            file, issuer, subject, id, until, reason, json,
        };
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            JsonObject body = [];
            if (!TryReadUntil(environment, parsed.GetValue(until), out DateTimeOffset? forgottenAt))
                return ExitCodes.Usage;
            string? path = parsed.GetValue(file);
            if (path is not null)
            {
                if (TokenCommand.Read(environment, path, "COUNTERSIGN_TOKEN") is not { } token) return ExitCodes.Usage;
                byte[] bytes = Encoding.UTF8.GetBytes(token);
                body["token_sha256"] = Convert.ToHexStringLower(SHA256.HashData(bytes));
                forgottenAt = Later(forgottenAt, GatewayTokens.ForgottenAt(bytes), environment.Clock.GetUtcNow());
            }

            Put(body, "issuer", parsed.GetValue(issuer));
            Put(body, "subject", parsed.GetValue(subject));
            Put(body, "id", parsed.GetValue(id));
            if (forgottenAt is { } at) body["until"] = Timestamps.Format(at);
            Put(body, "reason", parsed.GetValue(reason));
            int named = Convert.ToInt32(path is not null) + Convert.ToInt32(body.ContainsKey("subject"))
                + Convert.ToInt32(body.ContainsKey("id"));
            if (named != 1 || (path is null) != body.ContainsKey("issuer"))
                return environment.Fail("give --file, or --issuer with --subject or --id", ExitCodes.Usage);
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            ControlAnswer answer = await client.PostAsync(Path, body.ToJsonString(), "application/json", cancellation);
            if (!answer.IsOk) return environment.Fail(answer);
            environment.Out.WriteLine(parsed.GetValue(json)
                ? answer.Text
                : "revoked " + Name(answer.Body!) + ", remembered until " + answer.Body!["until"]);
            return ExitCodes.Ok;
        });
        return command;
    }

    internal static Command CreateList(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        Command command = new("revoked", "List what is revoked") { json };
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            ControlAnswer answer = await client.GetAsync(Path, cancellation);
            if (!answer.IsOk) return environment.Fail(answer);
            if (parsed.GetValue(json)) environment.Out.WriteLine(answer.Text);
            else
            {
                foreach (JsonNode? item in answer.Body!["items"]!.AsArray())
                {
                    environment.Out.WriteLine(
                        $"{item!["at"]}  {Name(item)}  by {item["by"]}  {item["reason"]}".TrimEnd());
                }
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static bool TryReadUntil(CommandEnvironment environment, string? text, out DateTimeOffset? until)
    {
        until = null;
        if (text is null) return true;
        if (!Timestamps.TryParse(text, out DateTimeOffset at))
            environment.Fail($"--until: '{text}' is not a time such as 2026-03-01T12:00:00Z");
        else if (at <= environment.Clock.GetUtcNow())
            environment.Fail($"--until: '{text}' has passed, so that nothing would be revoked");
        else until = at;
        return until is not null;
    }

    // The gateway is sent the hash alone, and cannot see when the token ends. One that has ended says nothing.
    private static DateTimeOffset? Later(DateTimeOffset? said, DateTimeOffset? ends, DateTimeOffset now) =>
        ends <= now || ends < said ? said : ends ?? said;

    private static string Name(JsonNode item) => (string?)item["kind"] switch
    {
        "token" => "token sha256:" + item["token_sha256"],
        "id" => $"id {item["id"]} of {item["issuer"]}",
        _ => $"subject {item["subject"]} of {item["issuer"]}",
    };

    private static void Put(JsonObject body, string name, string? value)
    {
        if (value is not null) body[name] = value;
    }
}
