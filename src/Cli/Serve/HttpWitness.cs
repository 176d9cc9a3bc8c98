using System.Security.Cryptography;
using System.Text;
using Countersign.Audit;
using Countersign.Cli.Configuration;

namespace Countersign.Cli.Serve;

/// <summary>A witness that is asked over HTTP (C2SP tlog-witness).</summary>
internal sealed class HttpWitness(WitnessSetting setting, AuditLog log, HttpMessageInvoker http)
{
    private const int AnswerBytesMax = 65_536;

    private static readonly TimeSpan AnsweredWithin = TimeSpan.FromSeconds(10);

    /// <summary>This log's dealings with it.</summary>
    internal WitnessPetition Petition { get; } = new(log, setting.Key);

    /// <summary>Where it is.</summary>
    internal string Address => setting.Url.ToString();

    /// <summary>Asks for a head, from what the witness saw last; evidence of what it saw where it did not cosign.
    /// </summary>
    internal async Task<byte[]> AskAsync(AuditCheckpoint head, CancellationToken cancellation)
    {
        int attempts = 4 + log.Keys.Handovers.Count;
        for (int attempt = 0; attempt < attempts; attempt++)
        {
            if (Petition.Ask(head) is not { } body) return [];
            using HttpRequestMessage request = new(HttpMethod.Post, new Uri(setting.Url, "add-checkpoint"));
            request.Content = new ByteArrayContent(body);
            (int status, byte[] answer) = await SendAsync(request, cancellation);
            if (status == 0) return [];
            PetitionOutcome outcome = Petition.Take(status, Encoding.UTF8.GetString(answer));
            if (outcome == PetitionOutcome.HandingOver) continue;
            if (outcome is PetitionOutcome.Cosigned or PetitionOutcome.Refused) return [];
            byte[] seen = await SeenAsync(cancellation);
            if (outcome == PetitionOutcome.Contradicted || PastEvidence.Judge(log, seen) != PastStanding.Continues)
                return seen;
        }

        return [];
    }

    private async Task<byte[]> SeenAsync(CancellationToken cancellation)
    {
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(log.Key.Name)));
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri(setting.Url, hash + "/checkpoint"));
        (int status, byte[] answer) = await SendAsync(request, cancellation);
        return status == 200 ? answer : [];
    }

    private async Task<(int Status, byte[] Body)> SendAsync(
        HttpRequestMessage request, CancellationToken cancellation)
    {
        using CancellationTokenSource within = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        within.CancelAfter(AnsweredWithin);
        try
        {
            using HttpResponseMessage response = await http.SendAsync(request, within.Token);
            if (response.Content.Headers.ContentLength > AnswerBytesMax) return (0, []);
            await response.Content.LoadIntoBufferAsync(AnswerBytesMax, within.Token);
            return ((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(within.Token));
        }
        catch (Exception fault) when (fault is HttpRequestException or OperationCanceledException or IOException
            && !cancellation.IsCancellationRequested)
        {
            Petition.Fail("not reached: " + fault.GetType().Name);
            return (0, []);
        }
    }
}
