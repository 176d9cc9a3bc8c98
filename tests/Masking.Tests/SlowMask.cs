using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Countersign.Masking.Tests;

/// <summary>One step of a reference rule; neither name nor index is a wildcard.</summary>
internal sealed record SlowStep(bool Descends, string? Name, int? Index);

/// <summary>A rule the reference reads, made together with its field and not by parsing that.</summary>
internal sealed record SlowRule(string Field, MaskAction Action, string? Bare, IReadOnlyList<SlowStep> Steps);

/// <summary>What the reference says of a body, and the texts that must not leave.</summary>
internal sealed record SlowResult(string Text, int Masked, IReadOnlyList<string> Hidden);

/// <summary>The same masking by other means: System.Text.Json tokens, a list for the location, paths by
/// backtracking.</summary>
internal static class SlowMask
{
    /// <summary>The rules as a program's.</summary>
    public static MaskProgram Compile(IReadOnlyList<SlowRule> rules) => MaskProgram.Compile([.. rules.Select(
        rule => new MaskRule(rule.Field, rule.Action) { Key = TokenKey.From(Key), Class = "class" })]);

    public static SlowResult Mask(byte[] body, IReadOnlyList<SlowRule> rules)
    {
        var options = new JsonReaderOptions { AllowMultipleValues = true, MaxDepth = MaskLimits.DepthMax };
        var reader = new Utf8JsonReader(body, options);
        var output = new StringBuilder();
        var hidden = new List<string>();
        var location = new List<object>();
        int copied = 0;
        int masked = 0;
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.EndArray or JsonTokenType.EndObject)
            {
                location.RemoveAt(location.Count - 1);
                continue;
            }

            if (reader.TokenType == JsonTokenType.PropertyName)
            {
                location[^1] = reader.GetString()!;
                continue;
            }

            if (location.Count > 0 && location[^1] is int index) location[^1] = index + 1;
            MaskAction? action = ActionFor(location, rules);
            if (action is null || reader.TokenType == JsonTokenType.Null)
            {
                if (reader.TokenType == JsonTokenType.StartArray) location.Add(-1);
                if (reader.TokenType == JsonTokenType.StartObject) location.Add("");
                continue;
            }

            int start = (int)reader.TokenStartIndex;
            string replacement = Replacement(ref reader, action.Value);
            reader.Skip();
            output.Append(Encoding.UTF8.GetString(body.AsSpan(copied, start - copied))).Append(replacement);
            copied = (int)reader.BytesConsumed;
            hidden.Add(Encoding.UTF8.GetString(body.AsSpan(start, copied - start)));
            masked++;
        }

        output.Append(Encoding.UTF8.GetString(body.AsSpan(copied)));
        return new SlowResult(output.ToString(), masked, hidden);
    }

    // What leaves less of a value wins.
    private static int Strictness(MaskAction action) => Array.IndexOf(
        [MaskAction.Drop, MaskAction.Null, MaskAction.Redact, MaskAction.Tokenize, MaskAction.KeepLast4], action);

    public static MaskAction? ActionFor(List<object> location, IReadOnlyList<SlowRule> rules)
    {
        MaskAction? strictest = null;
        foreach (SlowRule rule in rules)
        {
            bool hits = rule.Bare is null
                ? Selects(rule.Steps, 0, location, 0)
                : location.Count > 0 && location[^1] is string name
                    && string.Equals(name, rule.Bare, StringComparison.OrdinalIgnoreCase);
            if (hits && (strictest is null || Strictness(rule.Action) < Strictness(strictest.Value)))
                strictest = rule.Action;
        }

        return strictest;
    }

    private static bool Selects(IReadOnlyList<SlowStep> steps, int step, List<object> location, int part)
    {
        if (step == steps.Count) return part == location.Count;
        int last = steps[step].Descends ? location.Count - 1 : part;
        for (int place = part; place <= last && place < location.Count; place++)
        {
            if (Selects(steps[step], location[place]) && Selects(steps, step + 1, location, place + 1)) return true;
        }

        return false;
    }

    private static bool Selects(SlowStep step, object part) =>
        step.Name is null ? step.Index is null || part.Equals(step.Index.Value) : part.Equals(step.Name);

    /// <summary>The key and class of every rule of these tests.</summary>
    public static byte[] Key { get; } = "0123456789abcdef"u8.ToArray();

    private static string Token(string text)
    {
        byte[] subject = [.. "class"u8, 0, .. Encoding.UTF8.GetBytes(text)];
        byte[] hash = HMACSHA256.HashData(Key, subject);
        return "\"tok_" + Convert.ToBase64String(hash[..16]).TrimEnd('=').Replace('+', '-').Replace('/', '_') + "\"";
    }

    private static string Digits(ReadOnlySpan<byte> number) =>
        string.Concat(Encoding.UTF8.GetString(number).Where(char.IsAsciiDigit));

    private static string Replacement(ref Utf8JsonReader reader, MaskAction action)
    {
        if (action == MaskAction.Null) return "null";
        if (action == MaskAction.Tokenize && reader.TokenType is JsonTokenType.String or JsonTokenType.Number)
        {
            bool isString = reader.TokenType == JsonTokenType.String;
            return Token(isString ? reader.GetString()! : Encoding.UTF8.GetString(reader.ValueSpan));
        }

        Rune[] runes = reader.TokenType switch
        {
            JsonTokenType.String => [.. reader.GetString()!.EnumerateRunes()],
            JsonTokenType.Number => [.. Digits(reader.ValueSpan).EnumerateRunes()],
            _ => [],
        };
        if (action != MaskAction.KeepLast4 || runes.Length < 8) return "\"***\"";
        var text = new StringBuilder("\"").Append('*', Math.Min(32, runes.Length - 4));
        foreach (Rune rune in runes[^4..])
        {
            if (rune.Value is '"' or '\\') text.Append('\\').Append(rune);
            else if (rune.Value < 0x20) text.Append("\\u").Append(rune.Value.ToString("x4", null));
            else text.Append(rune);
        }

        return text.Append('"').ToString();
    }
}
