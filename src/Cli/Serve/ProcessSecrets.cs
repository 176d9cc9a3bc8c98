using System.Security.Cryptography;
using System.Text;
using Countersign.Cli.Configuration;
using Countersign.ControlPlane;
using Countersign.Masking;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Serve;

/// <summary>
/// Opens what configuration only refers to. A secret that cannot be had ends the start, with its place and never its
/// text.
/// </summary>
internal sealed class ProcessSecrets(
    GatewayOptions options, IReadOnlyDictionary<string, string> environment, ILogger log)
{
    private const int ClientSecretBytesMin = 16;

    /// <summary>The keys that masks make tokens with, by name; the usual one follows from the sealing key, unless the
    /// configuration has another of its name.</summary>
    internal Dictionary<string, TokenKey> MaskKeys(byte[] sealingKey)
    {
        Dictionary<string, TokenKey> keys = new(StringComparer.Ordinal)
        {
            [MaskTerms.UsualKey] = MaskKeyReader.Usual(sealingKey),
        };
        foreach ((string name, SecretReference reference) in options.MaskKeys)
        {
            keys[name] = MaskKeyReader.TryOpen(reference, environment, out string fault)
                ?? throw new StartRefusedException($"masking.keys.{name}: {fault}");
        }

        return keys;
    }

    /// <summary>The webhooks, with the keys of their signatures.</summary>
    internal List<WebhookOptions> Webhooks()
    {
        List<WebhookOptions> webhooks = [];
        foreach (WebhookSetting setting in options.Webhooks)
        {
            webhooks.Add(WebhookReader.TryOpen(setting, environment, out string fault)
                ?? throw new StartRefusedException($"{setting.Place}: {fault}"));
        }

        return webhooks;
    }

    /// <summary>Who may introspect lent credentials.</summary>
    internal IntrospectionTerms Introspection()
    {
        List<IntrospectionClient> clients = [];
        foreach (IntrospectionSetting setting in options.Credentials.Introspection)
        {
            byte[] secret = Open(setting.Secret, setting.Place + ".secret");
            if (secret.Length < ClientSecretBytesMin)
                throw new StartRefusedException($"{setting.Place}.secret: fewer than {ClientSecretBytesMin} bytes.");
            clients.Add(new(setting.Id, secret, setting.Audiences));
        }

        return new() { Clients = clients, Groups = options.Credentials.IntrospectionGroups };
    }

    /// <summary>As <see cref="Open"/>, later: null where it cannot be had now.</summary>
    internal byte[]? TryOpen(SecretReference reference, string place)
    {
        try
        {
            return Open(reference, place);
        }
        catch (StartRefusedException)
        {
            return null;
        }
    }

    // Files of secrets are often written with an editor: a line break at the end is none of the secret.
    internal byte[] Open(SecretReference reference, string place) => Open(reference, place, environment);

    /// <summary>The same for whoever has no gateway.</summary>
    internal static byte[] Open(
        SecretReference reference, string place, IReadOnlyDictionary<string, string> environment)
    {
        try
        {
            if (reference.Variable is { } variable && environment.TryGetValue(variable, out string? value))
                return Encoding.UTF8.GetBytes(value);
            if (reference.Variable is { } missing)
                throw new StartRefusedException($"{place}: environment variable {missing} is not set.");
            byte[] bytes = File.ReadAllBytes(reference.File!);
            int length = bytes.AsSpan().TrimEnd("\r\n"u8).Length;
            byte[] secret = bytes[..length];
            CryptographicOperations.ZeroMemory(bytes);
            return secret;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"{place}: {fault.Message}", fault);
        }
    }

    /// <summary>Why the sealing key cannot be used, or null: a file that is missing will be made.</summary>
    internal static string? CheckSealingKey(SecretReference reference, IReadOnlyDictionary<string, string> environment)
    {
        const string Short = "the key has fewer than 16 bytes.";
        if (reference.Variable is { } variable)
        {
            if (!environment.TryGetValue(variable, out string? value))
                return $"environment variable {variable} is not set.";
            return Encoding.UTF8.GetByteCount(value) < PayloadSeal.KeyFileBytesMin ? Short : null;
        }

        // A setting that is no reference has been told already.
        if (reference.File is not { } path) return null;
        if (Directory.Exists(path)) return $"{path} is a folder.";
        FileInfo file = new(path);
        return file.Exists && file.Length < PayloadSeal.KeyFileBytesMin ? Short : null;
    }

    /// <summary>The sealing key's bytes; made if its file is missing.</summary>
    internal byte[] SealingKey()
    {
        SecretReference reference = options.SealingKey;
        if (reference.Variable is { } variable)
        {
            if (environment.TryGetValue(variable, out string? value)) return Encoding.UTF8.GetBytes(value);
            throw new StartRefusedException($"secrets.sealingKey: environment variable {variable} is not set.");
        }

        string file = reference.File!;
        if (File.Exists(file)) return File.ReadAllBytes(file);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        byte[] key = RandomNumberGenerator.GetBytes(32);
        FileStreamOptions mode = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) mode.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using FileStream stream = new(file, mode);
        stream.Write(key);
        ProcessLog.SealingKeyMade(log, file);
        return key;
    }
}
