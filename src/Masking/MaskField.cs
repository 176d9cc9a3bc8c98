using System.Globalization;
using System.Text;

namespace Countersign.Masking;

/// <summary>
/// The notation of <see cref="MaskRule.Field"/>. A path is of RFC 9535: <c>$</c>, then any number of the segments
/// <c>.name</c>, <c>['name']</c>, <c>["name"]</c>, <c>[0]</c>, <c>[1:9:2]</c>, <c>[*]</c>, <c>.*</c> and of their
/// descendant forms
/// <c>..name</c>, <c>..['name']</c>, <c>..[0]</c>, <c>..[*]</c>, <c>..*</c>. Indexes and slices count from the start
/// and upwards: where an array ends is not known while it streams by.
/// </summary>
public static class MaskField
{
    /// <summary>
    /// Null when <paramref name="field"/> is well-formed; otherwise one message that says what is wrong and at which
    /// character, counted from 1 in UTF-16 code units.
    /// </summary>
    public static string? Check(string field)
    {
        ArgumentNullException.ThrowIfNull(field);
        if (field.Length == 0) return "character 1: the field is empty";
        if (field.Length > MaskLimits.FieldCharsMax)
        {
            string limit = Text(MaskLimits.FieldCharsMax);
            return At(MaskLimits.FieldCharsMax, "the field is longer than " + limit + " characters");
        }

        if (IsPath(field)) return PathParser.Parse(field, []);
        return CheckName(field);
    }

    /// <summary>True if the field is meant as a path.</summary>
    internal static bool IsPath(string field) => field[0] == '$';

    /// <summary>A message about the character at <paramref name="position"/>, counted from 0.</summary>
    internal static string At(int position, string wrong) => "character " + Text(position + 1) + ": " + wrong;

    /// <summary>A number as messages show it.</summary>
    internal static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string? CheckName(string name)
    {
        // Such a name would match nothing that its author had in mind, and so mask nothing.
        if (char.IsWhiteSpace(name[0]))
        {
            return At(0, "a name cannot begin with white space (if it must, write $..[' name'])");
        }

        if (char.IsWhiteSpace(name[^1]))
        {
            return At(name.Length - 1, "a name cannot end with white space (if it must, write $..['name '])");
        }

        int lone = LoneSurrogate(name);
        if (lone >= 0) return At(lone, "half of a surrogate pair is no character");
        return Encoding.UTF8.GetByteCount(name) > MaskLimits.KeyBytesMax
            ? At(0, "the name is longer than " + Text(MaskLimits.KeyBytesMax) + " bytes of UTF-8")
            : null;
    }

    /// <summary>Where <paramref name="text"/> has half a surrogate pair, or -1.</summary>
    internal static int LoneSurrogate(ReadOnlySpan<char> text)
    {
        int position = 0;
        while (position < text.Length)
        {
            if (Rune.DecodeFromUtf16(text[position..], out _, out int taken) != System.Buffers.OperationStatus.Done)
            {
                return position;
            }

            position += taken;
        }

        return -1;
    }
}
