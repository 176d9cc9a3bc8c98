using System.Security.Cryptography;

namespace Countersign.DataPlane.Tls;

/// <summary>What came of loading files: a value, or every error.</summary>
internal readonly record struct FileReading<T>(T? Value, IReadOnlyList<string> Errors)
    where T : class;

/// <summary>What looking at the files again found.</summary>
internal enum FileNews : byte
{
    /// <summary>Nothing new.</summary>
    None = 0,

    /// <summary>They changed, and the new ones are in use.</summary>
    Loaded,

    /// <summary>They changed and cannot be used; the old ones stay.</summary>
    Refused,
}

/// <summary>
/// A value that is read from files, and read again when they change. Their contents are compared, not their dates: a
/// mounted secret is swapped by a link whose date stays. Refreshed by one thread at a time; read by any.
/// </summary>
internal sealed class FileWatch<T>
    where T : class
{
    private readonly IReadOnlyList<string> _files;
    private readonly Func<FileReading<T>> _load;
    private byte[] _seen;
    private T? _current;

    /// <summary>Loads once; <see cref="Current"/> stays null while there is nothing that can be used.</summary>
    /// <param name="files">Whose contents are compared.</param>
    /// <param name="load">Reads them; called again whenever they changed.</param>
    internal FileWatch(IReadOnlyList<string> files, Func<FileReading<T>> load)
    {
        _files = files;
        _load = load;
        _seen = Fingerprint();
        FileReading<T> reading = load();
        Errors = reading.Errors;
        _current = reading.Value;
    }

    /// <summary>The last that could be used.</summary>
    internal T? Current => Volatile.Read(ref _current);

    /// <summary>What was wrong with the files when they were last read.</summary>
    internal IReadOnlyList<string> Errors { get; private set; }

    /// <summary>Reads the files again if they changed.</summary>
    internal FileNews Refresh()
    {
        byte[] seen = Fingerprint();
        if (seen.AsSpan().SequenceEqual(_seen)) return FileNews.None;
        _seen = seen;
        FileReading<T> reading = _load();
        Errors = reading.Errors;
        if (reading.Value is null) return FileNews.Refused;
        Volatile.Write(ref _current, reading.Value);
        return FileNews.Loaded;
    }

    // A file that cannot be read is a content of its own, so that its coming back is a change.
    private byte[] Fingerprint()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string file in _files)
        {
            try
            {
                byte[] content = File.ReadAllBytes(file);
                hash.AppendData(BitConverter.GetBytes(content.Length));
                hash.AppendData(content);
                CryptographicOperations.ZeroMemory(content);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                hash.AppendData(BitConverter.GetBytes(-1));
            }
        }

        return hash.GetHashAndReset();
    }
}
