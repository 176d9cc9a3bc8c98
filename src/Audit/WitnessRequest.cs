using System.Globalization;
using System.Text;

namespace Countersign.Audit;

/// <summary>
/// What a log asks a witness: the checkpoint to cosign, and the proof that it continues the last one that the witness
/// saw (C2SP tlog-witness, add-checkpoint). Immutable.
/// </summary>
/// <param name="OldSize">Size of the checkpoint that the witness saw last, or 0.</param>
/// <param name="Proof">The consistency proof; empty from 0, or where nothing was added.</param>
/// <param name="Note">The checkpoint, signed.</param>
public sealed record WitnessRequest(
    long OldSize, IReadOnlyList<ReadOnlyMemory<byte>> Proof, ReadOnlyMemory<byte> Note)
{
    /// <summary>The longest body that may be one: a note, 63 hashes and a size.</summary>
    public const int BytesMax = 65_536 + (64 * 64);

    private const string OldLead = "old ";

    /// <summary>Reads a body; false if it is not exactly of the form.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, out WitnessRequest? request)
    {
        request = null;
        int end = body.IndexOf("\n\n"u8);
        if (end < 0 || body.Length > BytesMax || !Ascii.IsValid(body[..end])) return false;
        string[] lines = Encoding.ASCII.GetString(body[..end]).Split('\n');
        if (!lines[0].StartsWith(OldLead, StringComparison.Ordinal) || lines.Length - 1 > ConsistencyProof.HashesMax)
            return false;
        string size = lines[0][OldLead.Length..];
        if (!long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long old)
            || size != old.ToString(CultureInfo.InvariantCulture)) return false;
        List<ReadOnlyMemory<byte>> proof = [];
        foreach (string line in lines.Skip(1))
        {
            byte[] hash = new byte[AuditLimits.HashBytes];
            if (!StrictBase64.TryDecode(line, hash)) return false;
            proof.Add(hash);
        }

        request = new WitnessRequest(old, proof, body[(end + 2)..].ToArray());
        return true;
    }

    /// <summary>The body.</summary>
    public byte[] Write()
    {
        StringBuilder text = new(OldLead + OldSize.ToString(CultureInfo.InvariantCulture) + "\n");
        foreach (ReadOnlyMemory<byte> hash in Proof) text.Append(Convert.ToBase64String(hash.Span)).Append('\n');
        return [.. Encoding.ASCII.GetBytes(text.Append('\n').ToString()), .. Note.Span];
    }
}
