using System.Globalization;
using System.Text;

namespace Countersign.Audit;

/// <summary>What a log makes of a witness's answer.</summary>
public enum PetitionOutcome : byte
{
    /// <summary>Refused, or not understood; ask again later.</summary>
    Refused = 0,

    /// <summary>Cosigned, and the cosignature verifies.</summary>
    Cosigned,

    /// <summary>The witness saw another size last; look at what it saw, and ask again from there.</summary>
    SawOther,

    /// <summary>The log's key was changed, and the witness takes that step by step: ask again at once.</summary>
    HandingOver,

    /// <summary>The witness says that the log does not continue what it saw; look at that.</summary>
    Contradicted,
}

/// <summary>
/// One log's dealings with one witness: what to ask, and what the answers mean. Knows no transport. Not thread-safe.
/// </summary>
public sealed class WitnessPetition(AuditLog log, CosignerKey witness)
{
    private AuditCheckpoint? _asked;
    private long _seen;
    private int _handed = log.Keys.Handovers.Count;
    private bool _isHanding;

    /// <summary>The witness.</summary>
    public CosignerKey Witness => witness;

    /// <summary>The last checkpoint that the witness cosigned, or null.</summary>
    public AuditCheckpoint? Cosigned { get; private set; }

    /// <summary>Its cosignature: one line of a note, with its end; empty for none.</summary>
    public string Line { get; private set; } = "";

    /// <summary>When, as the witness says.</summary>
    public DateTimeOffset CosignedAt { get; private set; }

    /// <summary>What went wrong last; empty where nothing did.</summary>
    public string Trouble { get; private set; } = "";

    /// <summary>The body to send for a checkpoint; null where the tiles cannot prove it.</summary>
    public byte[]? Ask(AuditCheckpoint head)
    {
        ArgumentNullException.ThrowIfNull(head);
        IReadOnlyList<KeyHandover> handovers = log.Keys.Handovers;
        while (_handed < handovers.Count && handovers[_handed].Head.Size < _seen) _handed++;
        if (_handed < handovers.Count) head = handovers[_handed].Head;
        if (!ConsistencyProof.TryMake(log.Folder, _seen, head.Size, out IReadOnlyList<ReadOnlyMemory<byte>> proof))
        {
            Trouble = "the log cannot prove that it continues what the witness saw";
            return null;
        }

        _asked = head;
        return new WitnessRequest(_seen, proof, head.Note).Write();
    }

    /// <summary>Takes the answer to the last <see cref="Ask"/>.</summary>
    public PetitionOutcome Take(int status, string body)
    {
        ArgumentNullException.ThrowIfNull(body);
        if (_asked is not { } asked) return PetitionOutcome.Refused;
        Trouble = "";
        if (status == 200) return TakeCosignature(asked, body);
        Trouble = status == 409
            ? $"the witness has seen {FirstLine(body)} entries"
            : string.Create(CultureInfo.InvariantCulture, $"{status}: {FirstLine(body)}");
        if (status == 422) return PetitionOutcome.Contradicted;
        if (status == 403) return HandOver();
        bool isSize = status == 409
            && long.TryParse(FirstLine(body), NumberStyles.None, CultureInfo.InvariantCulture, out _seen);
        return isSize ? PetitionOutcome.SawOther : PetitionOutcome.Refused;
    }

    /// <summary>Says that the witness could not be asked.</summary>
    public void Fail(string because) => Trouble = because;

    private PetitionOutcome TakeCosignature(AuditCheckpoint asked, string body)
    {
        AuditCheckpoint.NoteText.TrySplit(asked.Note.Span, out string text, out _);
        foreach (string line in body.Split('\n'))
        {
            if (!witness.TryVerify(text, line, out DateTimeOffset at)) continue;
            (Cosigned, Line, CosignedAt, _seen) = (asked, line + "\n", at, asked.Size);
            if (_handed < log.Keys.Handovers.Count)
            {
                _handed++;
                return PetitionOutcome.HandingOver;
            }

            _isHanding = false;
            return PetitionOutcome.Cosigned;
        }

        Trouble = "the cosignature is not that of the witness's key";
        return PetitionOutcome.Refused;
    }

    // A witness that knows an older key is shown every hand-over, once.
    private PetitionOutcome HandOver()
    {
        int count = log.Keys.Handovers.Count;
        bool isFirst = !_isHanding && count > 0;
        (_handed, _isHanding) = (isFirst ? 0 : count, isFirst);
        return isFirst ? PetitionOutcome.HandingOver : PetitionOutcome.Refused;
    }

    private static string FirstLine(string body)
    {
        int end = body.IndexOf('\n', StringComparison.Ordinal);
        return end < 0 ? body : body[..end];
    }

    /// <summary>A checkpoint with the cosignatures of all who gave theirs for it.</summary>
    public static byte[] Assemble(AuditCheckpoint head, IEnumerable<WitnessPetition> petitions)
    {
        ArgumentNullException.ThrowIfNull(head);
        ArgumentNullException.ThrowIfNull(petitions);
        string lines = string.Concat(petitions.Where(
            one => one.Cosigned is { } cosigned && cosigned.Note.Span.SequenceEqual(head.Note.Span))
            .Select(one => one.Line));
        return [.. head.Note.Span, .. Encoding.UTF8.GetBytes(lines)];
    }
}
