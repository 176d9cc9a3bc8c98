namespace Countersign.Policy;

/// <summary>How a question to the store ended. Zero is the store that did not answer.</summary>
public enum StoreStatus : byte
{
    /// <summary>The store did not answer, or not in time. For a claim this counts as spent.</summary>
    Unavailable = 0,

    /// <summary>Answered.</summary>
    Ok,

    /// <summary>There is no such thing.</summary>
    NotFound,

    /// <summary>The thing was moved meanwhile; read it again.</summary>
    Conflict,

    /// <summary>The thing's window has closed, by the store's own clock.</summary>
    Lapsed,

    /// <summary>The name it was asked by stands for something else.</summary>
    Mismatch,

    /// <summary>Whoever asks has asked for too much; nothing was done.</summary>
    Limited,

    /// <summary>A dynamic separation refused it; <see cref="StoreResult{T}.Separation"/> says which.</summary>
    DutyConflict,
}

/// <summary>An answer of the store, or why there is none.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Value">Set when <paramref name="Status"/> is <see cref="StoreStatus.Ok"/>; on a conflict, what is there
/// now if known.</param>
public readonly record struct StoreResult<T>(StoreStatus Status, T? Value)
    where T : class
{
    /// <summary>The id of the separation that refused it; null otherwise.</summary>
    public string? Separation { get; init; }

    /// <summary>True when there is a value to use.</summary>
    public bool IsOk => Status == StoreStatus.Ok;

    /// <summary>With <see cref="StoreStatus.Limited"/>, when it is worth asking again.</summary>
    public TimeSpan RetryAfter { get; init; }
}
