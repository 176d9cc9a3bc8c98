using Countersign.Audit;
using Countersign.Integration.Tests.EndToEnd;
using Xunit;

namespace Countersign.Integration.Tests.Audit;

/// <summary>The log against the function's own count, while the gateway has as much to do as it can.</summary>
public sealed class FullLoadTests
{
    private const int Connections = 64;
    private const int CallsOfEach = 300;

    [Fact]
    public async Task Each_call_leaves_one_pair_of_records_at_full_load()
    {
        // Proves, with 64 connections that call as fast as they are answered, strict functions and others in turn and
        // every tenth call refused, that the log holds exactly one intent and one outcome of each call that the
        // function saw, one outcome of each that was refused, no intent of a call that was not seen but where it was
        // shed on its way out, and that the log verifies.
        await using SeeingUpstream upstream = new();
        await using Backends backends = await Backends.StartAsync();
        using ServeSetup setup = new(
            backends.Issuer, Backends.Audience, ServeSetup.Policy(
                backends.Upstream,
                $"  seen: {{ endpoints: [\"{upstream.Address}\"], credential: {{ broker: none }} }}\n",
                "  seen.strict: { upstream: seen, method: POST, path: \"/strict/{id}\", risk: high }\n"
                + "  seen.other: { upstream: seen, method: POST, path: \"/other/{id}\", risk: low }\n"
                + "  seen.never: { upstream: seen, method: POST, path: \"/never/{id}\", risk: low }\n",
                "  - { id: seen, subjects: { groups: [support] }, functions: [seen.strict, seen.other], "
                + "effect: allow }\n"));
        string folder;
        string[][] answered;
        await using (CountersignProcess gateway = await setup.StartAsync("embedded", "loaded"))
        {
            folder = gateway.Ready["audit"]!.ToString();
            string data = gateway.Ready["data"]!.ToString(), token = backends.TokenOf("alice");
            answered = await Task.WhenAll(
                Enumerable.Range(0, Connections).Select(client => CallAsync(data, token, client)));
            await gateway.StopAsync();
        }

        AuditVerification found = AuditVerifier.Verify(folder);
        Assert.True(found.IsOk, found.Message);
        ILookup<string, string> ids = answered.SelectMany(one => one).ToLookup(one => one[..3], one => one[4..]);
        string told = string.Join(", ", ids.Select(one => $"{one.Count()} x {one.Key}"));
        Assert.True(ids.All(one => one.Key is "204" or "403" or "503"), told);
        Assert.True(ids["204"].Count() > Connections * CallsOfEach / 4, told);
        Assert.True(ids["403"].Any(), told);
        Assert.Equal(ids["204"].Order(), upstream.Seen.Keys.Order());
        Assert.All(upstream.Seen.Values, times => Assert.Equal(1, times));
        CallCounts counts = CallCounts.Of(folder);
        Assert.Empty(upstream.Seen.Keys.Except(counts.Intents.Keys));
        Assert.Empty(counts.Intents.Keys.Except(upstream.Seen.Keys).Except(ids["503"]));
        Assert.Equal(ids.SelectMany(one => one).Order(), counts.Outcomes.Keys.Order());
        Assert.All(counts.Intents.Values.Concat(counts.Outcomes.Values), times => Assert.Equal(1, times));
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{told}; {upstream.Seen.Count} calls seen, {counts.Intents.Count} intents, "
            + $"{counts.Outcomes.Count} outcomes");
    }

    // Each answer as its status and the id of its call.
    private static async Task<string[]> CallAsync(string data, string token, int client)
    {
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = 1 });
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        string[] answers = new string[CallsOfEach];
        for (int call = 0; call < CallsOfEach; call++)
        {
            string function = call % 10 == 9 ? "never" : call % 2 == 0 ? "strict" : "other";
            using HttpResponseMessage answer = await http.PostAsync(
                $"{data}/{function}/{client}", null, TestContext.Current.CancellationToken);
            string id = answer.Headers.TryGetValues("Countersign-Call", out var ids) ? ids.Single() : "none";
            answers[call] = $"{(int)answer.StatusCode} {id}";
        }

        return answers;
    }
}
