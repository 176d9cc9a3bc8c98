using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Countersign.Audit;
using Countersign.Policy.Approvals;
using Countersign.Policy.Redis;

namespace Countersign.Cli.Serve;

/// <summary>
/// The gateways of a fleet as each other's witnesses, by the protocol of C2SP tlog-witness over the store: a request
/// and an answer wait in two hashes. Who belongs to the fleet, the seal of the fleet's own key says, never the store.
/// </summary>
internal sealed class FleetWitness(
    RedisWitnessStore store, PayloadSeal seal, CheckpointWitness witness, AuditChain chain)
{
    private const string Separator = "\n--\n";

    private readonly string _own = chain.Log.Keys.First.ToString();
    private readonly Dictionary<string, Peer> _peers = new(StringComparer.Ordinal);

    /// <summary>The dealings with each peer that lives.</summary>
    internal IEnumerable<WitnessPetition> Petitions => _peers.Values.Select(peer => peer.Petition);

    /// <summary>The newest head of this log in the store; empty for none or without the store.</summary>
    internal async Task<ReadOnlyMemory<byte>> HeadAsync() => await store.HeadAsync(_own) ?? default;

    /// <summary>Publishes a head.</summary>
    internal ValueTask<bool> PublishAsync(ReadOnlyMemory<byte> note) => store.PublishAsync(_own, note);

    /// <summary>
    /// Answers the others, takes their answers, and asks them for a head; returns what they saw of this log where they
    /// did not cosign.
    /// </summary>
    internal async Task<List<byte[]>> TurnAsync(AuditCheckpoint head)
    {
        List<byte[]> evidence = [];
        byte[] box = seal.Seal(_own, Encoding.UTF8.GetBytes(witness.Key.ToString()));
        IReadOnlyList<WitnessPeer>? live = await store.RenewAsync(_own, box);
        if (live is null) return evidence;
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (WitnessPeer told in live)
        {
            if (PeerOf(told) is not { } peer) continue;
            seen.Add(told.Log);
            await AnswerAsync(told, peer);
            evidence.AddRange(Take(told, peer));
            await AskAsync(told, peer, head);
        }

        foreach (string gone in _peers.Keys.Where(log => !seen.Contains(log)).ToArray()) _peers.Remove(gone);
        return evidence;
    }

    private Peer? PeerOf(WitnessPeer told)
    {
        if (_peers.TryGetValue(told.Log, out Peer? known)) return known;
        if (!seal.TryOpen(told.Log, told.Box.ToArray(), out byte[] opened)) return null;
        if (!CosignerKey.TryParse(Encoding.UTF8.GetString(opened), out CosignerKey? key)) return null;
        if (!AuditKey.TryParse(told.Log, out AuditKey? log)) return null;
        return _peers[told.Log] = new Peer(log!, new WitnessPetition(chain.Log, key!));
    }

    private async Task AnswerAsync(WitnessPeer told, Peer peer)
    {
        // Each request is answered once, over restarts too: what was asked before would look like a log gone back.
        if (told.Ask.IsEmpty) return;
        string id = IdOf(told.Ask.Span);
        if (Encoding.UTF8.GetString(told.Answered.Span).StartsWith(id, StringComparison.Ordinal)) return;
        WitnessAnswer answer = witness.Add(told.Ask.Span, peer.Log);
        string text = string.Create(CultureInfo.InvariantCulture, $"{id}\n{answer.Status}\n{answer.Body}{Separator}");
        await store.AnswerAsync(
            told.Log, _own, (byte[])[.. Encoding.UTF8.GetBytes(text), .. witness.Latest(peer.Log).Span]);
    }

    private static IEnumerable<byte[]> Take(WitnessPeer told, Peer peer)
    {
        string text = Encoding.UTF8.GetString(told.Answer.Span);
        string[] lines = text.Split('\n', 3);
        if (lines.Length < 3 || lines[0] != peer.Asked) yield break;
        peer.Asked = "";
        int end = lines[2].IndexOf(Separator, StringComparison.Ordinal);
        if (end < 0 || !int.TryParse(lines[1], CultureInfo.InvariantCulture, out int status)) yield break;
        PetitionOutcome outcome = peer.Petition.Take(status, lines[2][..end]);
        bool isDoubt = outcome is PetitionOutcome.Contradicted or PetitionOutcome.SawOther;
        if (isDoubt) yield return Encoding.UTF8.GetBytes(lines[2][(end + Separator.Length)..]);
    }

    private async Task AskAsync(WitnessPeer told, Peer peer, AuditCheckpoint head)
    {
        bool isFollowed = peer.Petition.Cosigned is { } last && last.Size == head.Size;
        bool isWaiting = peer.Asked.Length > 0 && peer.AskedSize == head.Size;
        if (isFollowed || isWaiting || peer.Petition.Ask(head) is not { } body) return;
        if (!await store.AskAsync(_own, told.Log, body)) return;
        (peer.Asked, peer.AskedSize) = (IdOf(body), head.Size);
    }

    private static string IdOf(ReadOnlySpan<byte> request) => Convert.ToHexStringLower(SHA256.HashData(request));

    private sealed class Peer(AuditKey log, WitnessPetition petition)
    {
        internal AuditKey Log => log;

        internal WitnessPetition Petition => petition;

        internal string Asked { get; set; } = "";

        internal long AskedSize { get; set; } = -1;
    }
}
