using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;

namespace Countersign.Policy.Redis;

/// <summary>
/// The furthest policy change that this gateway has ever seen, in memory and in a file, so that neither a restart nor a
/// failover of the store takes it back unnoticed. One writer, the policy feed.
/// </summary>
public sealed partial class PolicyMemory
{
    private readonly string _file;
    private readonly ILogger _logger;
    private PolicyMark _furthest;
    private volatile bool _isKept = true;

    private PolicyMemory(string file, PolicyMark furthest, ILogger logger)
    {
        _file = file;
        _furthest = furthest;
        _logger = logger;
    }

    /// <summary>The furthest change seen; <see cref="PolicyMark.None"/> before the first.</summary>
    public PolicyMark Furthest => Volatile.Read(ref _furthest);

    /// <summary>False while the file cannot be written: a restart would forget what happened since.</summary>
    public bool IsKept => _isKept;

    /// <summary>Reads what an earlier start has seen.</summary>
    /// <param name="file">Where it is kept; its folder is made when it is first written.</param>
    /// <param name="logger">Where failures to write are told.</param>
    /// <exception cref="InvalidDataException">The file is not what this class writes: what was seen is not known, so
    /// nothing may be trusted until somebody decides. The message says what to do.</exception>
    public static PolicyMemory Open(string file, ILogger logger)
    {
        ArgumentException.ThrowIfNullOrEmpty(file);
        ArgumentNullException.ThrowIfNull(logger);
        if (!File.Exists(file)) return new(file, PolicyMark.None, logger);
        try
        {
            PolicyMark? mark = JsonSerializer.Deserialize(File.ReadAllBytes(file), PolicyMarks.Default.PolicyMark);
            if (mark is { Change: > 0, Hash.Length: 64 }) return new(file, mark, logger);
        }
        catch (JsonException)
        {
            // Told below, with the rest of what it is not.
        }

        throw new InvalidDataException(
            $"{file} does not hold what this gateway has seen of policy. Look at the versions in the store, and delete "
            + "the file to trust them.");
    }

    internal void Remember(PolicyMark mark)
    {
        // A version's number once seen stays seen, whatever the store has lost since.
        mark = mark with { Latest = Math.Max(mark.Latest, Furthest.Latest) };
        bool isNew = mark != Furthest;
        if (!isNew && _isKept) return;
        Volatile.Write(ref _furthest, mark);
        try
        {
            string unfinished = _file + ".new";
            if (Path.GetDirectoryName(_file) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
            using (FileStream stream = new(unfinished, FileMode.Create, FileAccess.Write))
            {
                stream.Write(JsonSerializer.SerializeToUtf8Bytes(mark, PolicyMarks.Default.PolicyMark));
                stream.Flush(flushToDisk: true);
            }

            File.Move(unfinished, _file, overwrite: true);
            _isKept = true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            if (_isKept) NotKept(_logger, _file, fault);
            _isKept = false;
        }
    }

    [LoggerMessage(
        EventId = 30, Level = LogLevel.Error,
        Message = "What was seen of policy cannot be written to {File}; a restart would forget it")]
    private static partial void NotKept(ILogger logger, string file, Exception fault);
}

/// <summary>The strict reader and writer of the file.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.General,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(PolicyMark))]
internal sealed partial class PolicyMarks : JsonSerializerContext;
