using System.Security.Cryptography;
using System.Text;
using Countersign.Masking;

namespace Countersign.Cli.Configuration;

/// <summary>Reads <c>masking.keys</c>: what masks make tokens with. A missing key is never made up, since each gateway
/// of a fleet would make another; the usual one follows from what a fleet shares.</summary>
internal static class MaskKeyReader
{
    /// <summary>The references, by name.</summary>
    internal static IReadOnlyDictionary<string, SecretReference> Read(
        ConfigurationSection masking, Func<string, string> resolve)
    {
        Dictionary<string, SecretReference> keys = new(StringComparer.Ordinal);
        ConfigurationSection section = masking.Section("keys");
        foreach (string name in section.Names)
        {
            // The text itself is not repeated: somebody may have put the secret there.
            if (SecretReference.Parse(section.Text(name) ?? "", resolve) is { } reference) keys[name] = reference;
            else section.Fault(name, "must be a reference, file:<path> or env:<NAME>, never the secret itself");
        }

        section.RefuseOthers();
        masking.RefuseOthers();
        return keys;
    }

    /// <summary>What tokens are made with where neither the mask nor the configuration names a key: the same in the
    /// whole fleet, as the sealing key is.</summary>
    internal static TokenKey Usual(byte[] sealingKey)
    {
        byte[] bytes = HKDF.DeriveKey(
            HashAlgorithmName.SHA256, sealingKey, SHA256.HashSizeInBytes,
            info: Encoding.ASCII.GetBytes("countersign mask tokens v1"));
        TokenKey key = TokenKey.From(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return key;
    }

    /// <summary>The key that a reference names, its bytes as they are; or null, and why.</summary>
    internal static TokenKey? TryOpen(
        SecretReference reference, IReadOnlyDictionary<string, string> environment, out string fault)
    {
        fault = "";
        byte[]? bytes = ReadBytes(reference, environment, ref fault);
        if (bytes is null) return null;
        if (bytes.Length < TokenKey.BytesMin)
        {
            fault = $"the key has fewer than {TokenKey.BytesMin} bytes.";
            return null;
        }

        TokenKey key = TokenKey.From(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return key;
    }

    private static byte[]? ReadBytes(
        SecretReference reference, IReadOnlyDictionary<string, string> environment, ref string fault)
    {
        if (reference.Variable is { } variable)
        {
            if (environment.TryGetValue(variable, out string? value)) return Encoding.UTF8.GetBytes(value);
            fault = $"environment variable {variable} is not set.";
            return null;
        }

        try
        {
            return File.ReadAllBytes(reference.File!);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            fault = problem.Message;
            return null;
        }
    }
}
