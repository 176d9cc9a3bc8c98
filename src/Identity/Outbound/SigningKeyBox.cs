using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.Identity.Outbound;

/// <summary>
/// The fleet's keys as the store holds them: one sealed box, bound to its version, so that neither a key nor the time
/// it signs from can be changed or moved from one version to another.
/// </summary>
internal static class SigningKeyBox
{
    private const int KeysMax = 64;

    internal static byte[] Seal(SigningKeySet set, PayloadSeal seal)
    {
        using MemoryStream stream = new(4_096);
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartArray();
            foreach (DatedSigningKeys one in set.Keys)
            {
                byte[] pkcs8 = one.Keys.ExportPkcs8();
                json.WriteStartObject();
                json.WriteNumber("from", one.SignsFromMilliseconds);
                json.WriteBase64String("pair", pkcs8);
                json.WriteEndObject();
                CryptographicOperations.ZeroMemory(pkcs8);
            }

            json.WriteEndArray();
        }

        byte[] box = seal.Seal(NameOf(set.Version), stream.GetBuffer().AsSpan(0, (int)stream.Length));
        CryptographicOperations.ZeroMemory(stream.GetBuffer());
        return box;
    }

    /// <summary>Opens a box; a key that <paramref name="known"/> has already is taken from there. Null for anything
    /// that was not sealed so.</summary>
    internal static SigningKeySet? Open(StoredSigningKeys stored, PayloadSeal seal, SigningKeySet? known)
    {
        if (!seal.TryOpen(NameOf(stored.Version), stored.Box.Span, out byte[] opened)) return null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(opened);
            List<DatedSigningKeys> keys = [];
            foreach (JsonElement one in document.RootElement.EnumerateArray())
            {
                byte[] pkcs8 = one.GetProperty("pair").GetBytesFromBase64();
                bool isPair = SigningKeys.TryImport(pkcs8, out SigningKeys? pair);
                CryptographicOperations.ZeroMemory(pkcs8);
                if (!isPair || keys.Count == KeysMax) return null;
                DateTimeOffset from = DateTimeOffset.FromUnixTimeMilliseconds(one.GetProperty("from").GetInt64());
                keys.Add(Kept(known, pair!, from));
            }

            return new SigningKeySet(stored.Version, keys);
        }
        catch (Exception fault) when (fault is JsonException or FormatException or KeyNotFoundException
            or InvalidOperationException or ArgumentOutOfRangeException)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(opened);
        }
    }

    // One object for one key, so that those that go can be told from those that stay.
    private static DatedSigningKeys Kept(SigningKeySet? known, SigningKeys opened, DateTimeOffset from)
    {
        SigningKeys? kept = known?.Find(opened.KeyId);
        if (kept is null) return new DatedSigningKeys(opened, from);
        opened.Dispose();
        return new DatedSigningKeys(kept, from);
    }

    private static string NameOf(long version) =>
        "signing-keys:" + version.ToString(CultureInfo.InvariantCulture);
}
