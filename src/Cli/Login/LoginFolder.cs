using System.Text.Json;
using System.Text.Json.Serialization;

namespace Countersign.Cli.Login;

/// <summary>One login: the tokens of one control listener.</summary>
/// <param name="Issuer">The identity provider.</param>
/// <param name="ClientId">This program's name there.</param>
/// <param name="Token">What the control listener gets.</param>
/// <param name="ExpiresAt">When it does no more; null where nobody said.</param>
/// <param name="RefreshToken">What renews it, or null.</param>
/// <param name="UsesIdToken">True if <paramref name="Token"/> is the ID token.</param>
internal sealed record StoredLogin(
    string Issuer, string ClientId, string Token, DateTimeOffset? ExpiresAt, string? RefreshToken, bool UsesIdToken);

/// <summary>
/// Logins in the user's configuration folder, by the control listener they are for, so that no token is ever sent to
/// another. Files are the user's alone; one that others may read is not used, nor written into.
/// </summary>
internal sealed class LoginFolder(string folder)
{
    private const UnixFileMode OwnFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnFolder = OwnFile | UnixFileMode.UserExecute;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private string FilePath => Path.Combine(folder, "logins.json");

    /// <summary>The folder of this user, or null where the environment names no home.</summary>
    internal static LoginFolder? Of(CommandEnvironment environment)
    {
        string? home = environment.Variable("XDG_CONFIG_HOME")
            ?? environment.Variable("APPDATA")
            ?? (environment.Variable("HOME") is { } user ? Path.Combine(user, ".config") : null);
        return home is null || !Path.IsPathFullyQualified(home)
            ? null
            : new LoginFolder(Path.Combine(home, "countersign"));
    }

    /// <summary>The login for a control listener, or null.</summary>
    /// <exception cref="IOException">The file cannot be trusted or read.</exception>
    internal StoredLogin? Find(Uri control) => Read().GetValueOrDefault(KeyOf(control));

    /// <summary>Keeps a login in place of another; null removes it. True if there was one.</summary>
    /// <exception cref="IOException">The file cannot be trusted, read or written.</exception>
    internal bool Keep(Uri control, StoredLogin? login)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnFolder);
        Dictionary<string, StoredLogin> logins = Read();
        bool had = logins.Remove(KeyOf(control));
        if (login is not null) logins[KeyOf(control)] = login;

        // Written beside and put in place, so that no reader ever meets half a file.
        string written = FilePath + "." + Guid.NewGuid().ToString("N");
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnFile;
        using (FileStream stream = new(written, options))
        {
            JsonSerializer.Serialize(stream, logins, StoredLogins.Default.DictionaryStringStoredLogin);
            stream.Flush(flushToDisk: true);
        }

        File.Move(written, FilePath, overwrite: true);
        return had;
    }

    /// <summary>Keeps other processes from renewing at the same time; null while another does.</summary>
    internal FileStream? TryLock()
    {
        FileStreamOptions options = new()
        {
            Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None,
        };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnFile;
        try
        {
            return new FileStream(FilePath + ".lock", options);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private Dictionary<string, StoredLogin> Read()
    {
        if (!File.Exists(FilePath)) return new(StringComparer.Ordinal);
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(FilePath) & Others) != 0)
            throw new IOException($"{FilePath} may be read by others: chmod 600 it, or log in anew after removing it");
        try
        {
            using FileStream stream = File.OpenRead(FilePath);
            return JsonSerializer.Deserialize(stream, StoredLogins.Default.DictionaryStringStoredLogin)
                ?? new(StringComparer.Ordinal);
        }
        catch (JsonException)
        {
            throw new IOException($"{FilePath} is not what countersign login writes: remove it and log in anew");
        }
    }

    private static string KeyOf(Uri control) => control.GetLeftPart(UriPartial.Authority);
}

/// <summary>The reader and writer of the file.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    WriteIndented = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Dictionary<string, StoredLogin>))]
internal sealed partial class StoredLogins : JsonSerializerContext;
