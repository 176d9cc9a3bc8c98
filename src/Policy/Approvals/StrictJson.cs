using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using Countersign.Policy.Conditions;

namespace Countersign.Policy.Approvals;

/// <summary>
/// Tells JSON that every parser reads alike from JSON that two parsers may read differently. Approvers approve what
/// this gateway reads; the function must not read something else.
/// </summary>
public static class StrictJson
{
    /// <summary>The deepest nesting that is let through.</summary>
    public const int DepthMax = 64;

    [ThreadStatic]
    private static JsonArguments? _index;

    private static readonly JsonReaderOptions Options = new()
    {
        MaxDepth = DepthMax,
        CommentHandling = JsonCommentHandling.Disallow,
        AllowTrailingCommas = false,
    };

    /// <summary>As the other overload, for a body in several buffers.</summary>
    public static bool IsUnambiguous(in ReadOnlySequence<byte> json, out string why)
    {
        if (json.IsSingleSegment) return IsUnambiguous(json.FirstSpan, out why);
        byte[] rented = ArrayPool<byte>.Shared.Rent(checked((int)json.Length));
        json.CopyTo(rented);
        bool unambiguous = IsUnambiguous(rented.AsSpan(0, (int)json.Length), out why);
        ArrayPool<byte>.Shared.Return(rented, clearArray: true);
        return unambiguous;
    }

    /// <summary>
    /// True for exactly one JSON value (RFC 8259) in valid UTF-8, no more than <see cref="DepthMax"/> deep, without a
    /// key twice in an object once escapes are decoded, and without unpaired surrogates.
    /// </summary>
    /// <param name="json">The body.</param>
    /// <param name="why">What is wrong, without any of the body's content; empty when nothing is.</param>
    public static bool IsUnambiguous(ReadOnlySpan<byte> json, out string why)
    {
        why = "";
        if (!Utf8.IsValid(json))
        {
            why = "The body is not valid UTF-8.";
            return false;
        }

        try
        {
            why = Read(json);
        }
        catch (JsonException)
        {
            why = "The body is not one valid JSON value, or is nested too deeply.";
        }
        catch (InvalidOperationException)
        {
            // What Utf8JsonReader throws for an escape that is half of a surrogate pair.
            why = "A string holds an unpaired surrogate.";
        }

        return why.Length == 0;
    }

    /// <summary>
    /// As <see cref="IsUnambiguous(ReadOnlySpan{byte}, out string)"/>, without an allocation for JSON of a usual size
    /// that is unambiguous.
    /// </summary>
    public static bool Holds(ReadOnlyMemory<byte> json, out string why)
    {
        JsonArguments index = _index ??= new JsonArguments();
        ConditionFault fault = index.Read(json);
        index.Clear();
        why = "";
        return fault == ConditionFault.Unstated || IsUnambiguous(json.Span, out why);
    }

    private static string Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, Options);
        var open = new Stack<HashSet<string>>();
        var spare = new Stack<HashSet<string>>();
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    open.Push(spare.TryPop(out HashSet<string>? keys) ? keys : new(StringComparer.Ordinal));
                    break;
                case JsonTokenType.EndObject:
                    HashSet<string> closed = open.Pop();
                    closed.Clear();
                    spare.Push(closed);
                    break;
                case JsonTokenType.PropertyName:
                    if (!open.Peek().Add(reader.GetString()!)) return "An object holds the same key twice.";
                    break;
                case JsonTokenType.String when reader.ValueIsEscaped:
                    _ = reader.GetString();
                    break;
                default:
                    break;
            }
        }

        return "";
    }
}
