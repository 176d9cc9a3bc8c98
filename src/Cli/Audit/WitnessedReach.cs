using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Audit;

namespace Countersign.Cli.Audit;

/// <summary>How far witnesses that an examiner trusts stand behind a log.</summary>
internal sealed class WitnessedReach(string folder)
{
    // A witness at work is seconds behind.
    private static readonly TimeSpan FarBehind = TimeSpan.FromMinutes(5);

    private readonly List<(string Name, long Size, DateTimeOffset At)> _witnesses = [];

    /// <summary>What the witness cosigned must be a beginning of what is there now.</summary>
    internal AuditVerification Hold(AuditVerification found, CosignerKey witness, string? trusted)
    {
        if (!AuditVerifier.TryReadWitnessed(folder, witness, out AuditCheckpoint? cosigned)
            || !witness.HasSigned(cosigned!.Note.Span, out DateTimeOffset at))
        {
            return found with
            {
                Kind = AuditDamageKind.Unwitnessed,
                File = "witnessed",
                EntriesProven = 0,
                Message = $"{witness.Name} has not cosigned this log, as far as the folder shows",
            };
        }

        _witnesses.Add((witness.Name, cosigned.Size, at));
        return AuditVerifier.Verify(folder, null, trusted, cosigned.Note);
    }

    /// <summary>For people: a line for each, and a warning where one is far behind.</summary>
    internal IEnumerable<string> Lines(AuditVerification found)
    {
        DateTimeOffset? newest = _witnesses.Count > 0 ? TimeOf(found.EntriesCovered - 1) : null;
        foreach ((string name, long size, DateTimeOffset at) in _witnesses)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{name} cosigned the first {size} of {found.EntriesCovered} signed entries "
                + $"at {at:yyyy-MM-ddTHH:mm:ss}Z");
            long behind = found.EntriesCovered - size;
            if (behind <= 0) continue;
            bool isFar = newest is null || newest - at > FarBehind;
            yield return (isFar ? "WARNING: " : "")
                + $"{behind} newer entries have the word of the log's own key alone"
                + (isFar ? ", for longer than a witness takes: whoever holds that key could have written them" : "");
        }
    }

    /// <summary>The same for programs; null where no witness was asked for.</summary>
    internal JsonArray? ToJson()
    {
        if (_witnesses.Count == 0) return null;
        JsonArray told = [];
        foreach ((string name, long size, DateTimeOffset at) in _witnesses)
        {
            told.Add(new JsonObject
            {
                ["name"] = name,
                ["size"] = size,
                ["at"] = at.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
            });
        }

        return told;
    }

    private DateTimeOffset? TimeOf(long entry)
    {
        if (entry < 0) return null;
        foreach (AuditEntry newest in AuditReader.Between(folder, entry, entry + 1))
        {
            using JsonDocument record = JsonDocument.Parse(newest.Payload);
            return record.RootElement.TryGetProperty("at", out JsonElement at)
                && at.TryGetDateTimeOffset(out DateTimeOffset time) ? time : null;
        }

        return null;
    }
}
