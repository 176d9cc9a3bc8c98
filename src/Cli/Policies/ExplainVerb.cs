using System.CommandLine;
using System.Globalization;
using System.Text;
using Countersign.DataPlane;
using Countersign.Policy;
using Countersign.Policy.Review;

namespace Countersign.Cli.Policies;

/// <summary><c>countersign policy explain</c>: which rule decides a call, and why.</summary>
internal static class ExplainVerb
{
    internal static Command Create(CommandEnvironment environment)
    {
        ControlOptions control = new();
        CallerArguments caller = new();
        Argument<string> policy = new("policy")
        {
            Description = "A file, the number of a published version, or 'current'",
        };
        Argument<string[]> call = new("call")
        {
            Description = "Method and path, such as: POST /billing/42/reset; or the id of a function",
            Arity = new ArgumentArity(1, 2),
        };
        Option<string?> host = new("--host") { Description = "The Host field" };
        Option<bool> tls = new("--tls") { Description = "The caller comes over TLS" };
        Option<string[]> header = new("--header", "-H") { Description = "A header field, as 'Name: value'" };
        Option<string?> body = new("--body") { Description = "The body; @file reads a file, @- standard input" };
        Option<string?> at = new("--at") { Description = "When, such as 2026-03-01T12:00:00Z; now by default" };
        Option<string?> history = new("--history")
        {
            Description = "What was done before, for dynamic separations: an audit folder, or a file of its records",
        };
        Option<bool> all = new("--all") { Description = "Show rules of other functions too" };
        Option<bool> outside = PolicyFile.IncludeOutside();
        Option<bool> json = new("--json") { Description = "Print JSON" };
        Command command = new("explain", "Say which rule decides for a caller and a call, and why")
        {
            policy, call, host, tls, header, body, at, history, all, outside, json,
        };
        caller.AddTo(command);
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            if (caller.Read(environment, parsed) is not { } who) return ExitCodes.Usage;
            if (!TryReadBody(environment, parsed.GetValue(body), out byte[] bytes)) return ExitCodes.Usage;
            if (!TryReadTime(environment, parsed.GetValue(at), out DateTimeOffset? when)) return ExitCodes.Usage;
            if (!TryReadHeaders(environment, parsed.GetValue(header), out var headers)) return ExitCodes.Usage;
            if (Sample(environment, parsed.GetValue(call)!, who) is not { } sample) return ExitCodes.Usage;
            PolicySource source = new(environment, control, parsed, parsed.GetValue(outside));
            PolicyReading? reading = await source.ReadAsync(parsed.GetValue(policy)!, cancellation);
            if (reading is null) return source.ExitCode;
            CallSample described = sample with
            {
                Host = parsed.GetValue(host) ?? "",
                IsTls = parsed.GetValue(tls),
                Headers = headers,
                Body = bytes,
                At = when,
            };
            sample = DescribedCalls.AsRead(described, reading.Snapshot!);
            if (!TryReadHistory(environment, parsed.GetValue(history), reading.Snapshot!, ref sample))
                return ExitCodes.Usage;
            ExplanationText text = new(reading.Snapshot!, sample, environment.Clock, parsed.GetValue(all));
            environment.Out.WriteLine(parsed.GetValue(json) ? text.ToJson() : text.ToText());
            if (!text.IsKnown) return UnknownFunction(environment, reading.Snapshot!, sample);
            return text.IsUnpaused ? ExitCodes.Usage : ExitCodes.Ok;
        });
        return command;
    }

    private static int UnknownFunction(CommandEnvironment environment, PolicySnapshot policy, CallSample call)
    {
        if (call.Function.Length == 0 || call.Refusal.Length > 0) return ExitCodes.Usage;
        string? near = policy.Functions.Select(function => function.Id)
            .FirstOrDefault(id => string.Equals(id, call.Function, StringComparison.OrdinalIgnoreCase));
        string hint = near is null ? "" : $"; did you mean '{near}'?";
        return environment.Fail($"the policy has no function '{call.Function}'{hint}", ExitCodes.Usage);
    }

    /// <summary>Adds what recorded calls did; false, and said so, where they cannot be read.</summary>
    private static bool TryReadHistory(
        CommandEnvironment environment, string? from, PolicySnapshot policy, ref CallSample sample)
    {
        if (from is null) return true;
        if (from != "-" && !Directory.Exists(from) && !File.Exists(from))
        {
            environment.Fail($"there is no folder or file {from}");
            return false;
        }

        if (sample.FindFunction(policy) is { } function && !DutyHistory.IsToldByTarget(policy, function))
        {
            environment.Fail("--history: a separation finds its object in arguments or headers, which the audit does "
                + "not hold: describe the calls in a test, as its 'history'");
            return false;
        }

        sample = sample with
        {
            History = [.. RecordedCall.ReadAll(environment, from)
                .Where(call => call is { Caller: not null, IsMade: true }).Select(call => call.ToSample())],
        };
        return true;
    }

    private static CallSample? Sample(CommandEnvironment environment, string[] call, Caller caller)
    {
        string line = string.Join(' ', call);
        if (CallSample.TryReadLine(line, out string method, out string target))
        {
            return new CallSample { Caller = caller, Method = method, Target = target };
        }

        if (call.Length == 1) return new CallSample { Caller = caller, Function = line };
        environment.Fail($"'{line}' is neither a method and a path, such as GET /people/7, nor the id of a function");
        return null;
    }

    // As bytes: what is no UTF-8 is refused as the gateway refuses it, and is not mended on the way.
    private static bool TryReadBody(CommandEnvironment environment, string? given, out byte[] body)
    {
        body = [];
        if (given is null) return true;
        if (!given.StartsWith('@'))
        {
            body = Encoding.UTF8.GetBytes(given);
            return true;
        }

        try
        {
            body = given == "@-" ? ReadAll(environment.InBytes) : File.ReadAllBytes(given[1..]);
            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            environment.Fail("--body: " + (given == "@" ? "@ needs the name of a file behind it" : fault.Message));
            return false;
        }
    }

    private static byte[] ReadAll(Stream input)
    {
        using MemoryStream bytes = new();
        input.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static bool TryReadTime(CommandEnvironment environment, string? given, out DateTimeOffset? at)
    {
        at = null;
        if (given is null) return true;
        bool isTime = DateTimeOffset.TryParse(
            given, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time);
        if (isTime) at = time;
        else environment.Fail($"--at: '{given}' is not a time, such as 2026-03-01T12:00:00Z");
        return isTime;
    }

    private static bool TryReadHeaders(
        CommandEnvironment environment, string[]? given, out List<KeyValuePair<string, string>> headers)
    {
        headers = [];
        foreach (string line in given ?? [])
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 1)
            {
                environment.Fail($"--header: '{line}' is not 'Name: value'");
                return false;
            }

            headers.Add(new(line[..colon].Trim(), line[(colon + 1)..].Trim()));
        }

        return true;
    }
}
