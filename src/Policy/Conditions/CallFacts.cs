namespace Countersign.Policy.Conditions;

/// <summary>What is known of a call's arguments. Zero is that nobody looked.</summary>
public enum ArgumentsForm : byte
{
    /// <summary>The body was not read: a condition on <c>args</c> denies.</summary>
    Unread = 0,

    /// <summary>The call has no body: <c>args</c> is an empty map.</summary>
    Absent,

    /// <summary>The body says that it is JSON. Whether it is, is checked when a condition asks.</summary>
    Json,

    /// <summary>The body is of another type, or encoded: a condition on <c>args</c> denies.</summary>
    NotJson,
}

/// <summary>
/// What conditions may see of one call: slices of its own bytes, which must not change while it is decided. Made by the
/// data plane for a real call and by the tools for one that is described to them.
/// </summary>
public readonly struct CallFacts
{
    /// <summary>Who calls.</summary>
    public required Caller Caller { get; init; }

    /// <summary>When the call came, for <c>now</c>.</summary>
    public DateTimeOffset Now { get; init; }

    /// <summary>The path as sent, percent-encoded, without query.</summary>
    public ReadOnlyMemory<byte> Path { get; init; }

    /// <summary>The query as sent, without its question mark.</summary>
    public ReadOnlyMemory<byte> Query { get; init; }

    /// <summary>The header fields as lines, <c>name: value</c> each ended by CRLF. Credentials among them are passed
    /// over.</summary>
    public ReadOnlyMemory<byte> Headers { get; init; }

    /// <summary>What is known of <see cref="Arguments"/>.</summary>
    public ArgumentsForm Form { get; init; }

    /// <summary>The JSON of <c>args</c>, where <see cref="Form"/> is <see cref="ArgumentsForm.Json"/>.</summary>
    public ReadOnlyMemory<byte> Arguments { get; init; }
}
