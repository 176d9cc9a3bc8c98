using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using Countersign.Policy.Conditions;

namespace Countersign.Policy.Arguments;

/// <summary>
/// A compiled JSON Schema of a function's arguments: the part of draft 2020-12 that docs/POLICY.md lists. Immutable and
/// shared; every value is looked at once, in steps of the call's own budget, and what fits allocates nothing.
/// </summary>
internal sealed class ArgumentSchema
{
    public static readonly ArgumentSchema Anything = new();

    private const string TooCostly = "steps";
    private const int StackCharacters = 256;
    private const int MatchedBytesPerStep = 4;

    private readonly ArgumentMember[] _members = [];
    private readonly MadeMap _places = new();
    private readonly int _requiredCount;

    /// <summary>What kinds of values fit.</summary>
    public ArgumentTypes Types { get; init; } = ArgumentTypes.Any;

    /// <summary>The values that <c>enum</c> lists, as keys; null where it is not written.</summary>
    public MadeMap? Choices { get; init; }

    /// <summary>The one value of <c>const</c>; none where it is not written.</summary>
    public ConditionValue Constant { get; init; }

    /// <summary>What an object's members must be.</summary>
    public IReadOnlyList<ArgumentMember> Members
    {
        get => _members;
        init
        {
            _members = [.. value];
            for (int index = 0; index < _members.Length; index++)
            {
                _places.TryAdd(ConditionValue.OfText(_members[index].Name), ConditionValue.Of((long)index));
                if (_members[index].IsRequired) _requiredCount++;
            }
        }
    }

    /// <summary>True if there may be no members but those.</summary>
    public bool IsClosed { get; init; }

    /// <summary>What members without a name here must be; null for anything.</summary>
    public ArgumentSchema? Others { get; init; }

    /// <summary>What a list's items must be; null for anything.</summary>
    public ArgumentSchema? Items { get; init; }

    public int ItemsMin { get; init; }

    public int ItemsMax { get; init; } = int.MaxValue;

    /// <summary>Of text, in code points.</summary>
    public int LengthMin { get; init; }

    public int LengthMax { get; init; } = int.MaxValue;

    public Regex? Pattern { get; init; }

    /// <summary>Bounds of numbers; none where they are not written.</summary>
    public ConditionValue Minimum { get; init; }

    public ConditionValue Maximum { get; init; }

    public ConditionValue ExclusiveMinimum { get; init; }

    public ConditionValue ExclusiveMaximum { get; init; }

    /// <summary>Its canonical JSON: two functions with the same have the same inputs.</summary>
    public string Text { get; init; } = "";

    /// <summary>What conditions know of a value that fits.</summary>
    public ConditionType Type => Types switch
    {
        ArgumentTypes.Null => ConditionType.Null,
        ArgumentTypes.Boolean => ConditionType.Bool,
        ArgumentTypes.Integer => ConditionType.Int,
        ArgumentTypes.Number or (ArgumentTypes.Number | ArgumentTypes.Integer) => ConditionType.Number,
        ArgumentTypes.String => ConditionType.String,
        ArgumentTypes.Array => ConditionType.ListOf(
            Items?.Type ?? ConditionType.Dyn, ItemsMax == int.MaxValue ? -1 : ItemsMax),
        ArgumentTypes.Object => ConditionType.ObjectOf(
            _members.ToDictionary(one => one.Name, one => one.Schema.Type, StringComparer.Ordinal),
            Others?.Type ?? ConditionType.Dyn, IsClosed),
        _ => ConditionType.Dyn,
    };

    /// <summary>
    /// Why the arguments do not fit, as a JSON pointer and a keyword, without anything that the caller wrote: a member
    /// that the schema does not name is <c>*</c>. Empty if they fit.
    /// </summary>
    /// <param name="arguments">The root of what <see cref="JsonArguments"/> indexed.</param>
    /// <param name="evaluation">Whose steps are taken.</param>
    [HotPath]
    public string Misfit(in ConditionValue arguments, Evaluation evaluation)
    {
        string pointer = "";
        string? keyword = Check(arguments, evaluation, ref pointer);
        return keyword is null ? "" : Describe(pointer, keyword);
    }

    private static string Describe(string pointer, string keyword) => keyword == TooCostly
        ? "checking them takes too many steps" : $"'{pointer}' fails '{keyword}'";

    /// <summary>The keyword that a value fails, and where; null if it fits.</summary>
    [HotPath]
    private string? Check(in ConditionValue value, Evaluation evaluation, ref string pointer)
    {
        if (!evaluation.TrySteps(1 + (value.Text.Length / ConditionLimits.BytesPerStep))) return TooCostly;
        if ((TypesOf(value) & Types) == 0) return "type";
        if (Constant.Kind != ValueKind.None && !Comparing.AreEqualScalars(Constant, value)) return "const";
        if (Choices is not null && !IsChoice(value, evaluation)) return "enum";
        return value.Kind switch
        {
            ValueKind.Map => CheckMembers(value, evaluation, ref pointer),
            ValueKind.List => CheckItems(value, evaluation, ref pointer),
            ValueKind.String => CheckText(value.Text, evaluation),
            ValueKind.Int or ValueKind.Double or ValueKind.Error => CheckNumber(value),
            _ => null,
        };
    }

    // The one error that a value of sound JSON can be is a number that no double holds exactly: still a number.
    [HotPath]
    private static ArgumentTypes TypesOf(in ConditionValue value) => value.Kind switch
    {
        ValueKind.Null => ArgumentTypes.Null,
        ValueKind.Bool => ArgumentTypes.Boolean,
        ValueKind.Int => ArgumentTypes.Integer | ArgumentTypes.Number,
        ValueKind.Double or ValueKind.Error => ArgumentTypes.Number,
        ValueKind.String => ArgumentTypes.String,
        ValueKind.List => ArgumentTypes.Array,
        ValueKind.Map => ArgumentTypes.Object,
        _ => ArgumentTypes.None,
    };

    [HotPath]
    private bool IsChoice(in ConditionValue value, Evaluation evaluation) =>
        !value.IsError && Choices!.Find(0, value, evaluation).Kind != ValueKind.None;

    [HotPath]
    private string? CheckMembers(in ConditionValue value, Evaluation evaluation, ref string pointer)
    {
        if (_members.Length == 0 && Others is null && !IsClosed) return null;
        JsonArguments arguments = (JsonArguments)value.Container;
        int cursor = 0;
        int required = 0;
        while (true)
        {
            ConditionValue name = arguments.NextMember(value.Place, ref cursor, out ConditionValue member);
            if (name.Kind == ValueKind.None) break;
            if (!evaluation.TrySteps(1 + (name.Text.Length / ConditionLimits.BytesPerStep))) return TooCostly;
            ConditionValue place = _places.Find(0, name, evaluation);
            ArgumentMember? named = place.Kind == ValueKind.None ? null : _members[place.Int];
            if (named is null && IsClosed) return "additionalProperties";
            if (named is { IsRequired: true }) required++;
            ArgumentSchema? schema = named is null ? Others : named.Schema;
            string? keyword = schema?.Check(member, evaluation, ref pointer);
            if (keyword is null) continue;
            Lengthen(ref pointer, named?.Name ?? "*");
            return keyword;
        }

        return required == _requiredCount ? null : Missing(value, evaluation, ref pointer);
    }

    private string Missing(in ConditionValue value, Evaluation evaluation, ref string pointer)
    {
        foreach (ArgumentMember member in _members)
        {
            if (!member.IsRequired) continue;
            ConditionValue name = ConditionValue.OfText(member.Name);
            if (value.Container.Find(value.Place, name, evaluation).Kind != ValueKind.None) continue;
            Lengthen(ref pointer, member.Name);
            break;
        }

        return "required";
    }

    [HotPath]
    private string? CheckItems(in ConditionValue value, Evaluation evaluation, ref string pointer)
    {
        long count = value.Container.Count(value.Place).Int;
        if (count < ItemsMin) return "minItems";
        if (count > ItemsMax) return "maxItems";
        if (Items is null) return null;
        int cursor = 0;
        for (long index = 0; index < count; index++)
        {
            ConditionValue item = value.Container.Next(value.Place, ref cursor);
            string? keyword = Items.Check(item, evaluation, ref pointer);
            if (keyword is null) continue;
            Lengthen(ref pointer, index);
            return keyword;
        }

        return null;
    }

    [HotPath]
    private string? CheckText(ReadOnlySpan<byte> utf8, Evaluation evaluation)
    {
        if (LengthMin > 0 || LengthMax < int.MaxValue)
        {
            int length = 0;
            foreach (byte one in utf8)
            {
                if ((one & 0xC0) != 0x80) length++;
            }

            if (length < LengthMin) return "minLength";
            if (length > LengthMax) return "maxLength";
        }

        if (Pattern is null) return null;
        if (!evaluation.TrySteps(utf8.Length / MatchedBytesPerStep)) return TooCostly;
        char[]? rented = utf8.Length > StackCharacters ? ArrayPool<char>.Shared.Rent(utf8.Length) : null;
        Span<char> utf16 = rented ?? stackalloc char[StackCharacters];
        utf16 = utf16[..Encoding.UTF8.GetChars(utf8, utf16)];
        bool isMatch = Pattern.IsMatch(utf16);
        utf16.Clear();
        if (rented is not null) ArrayPool<char>.Shared.Return(rented);
        return isMatch ? null : "pattern";
    }

    [HotPath]
    private string? CheckNumber(in ConditionValue value)
    {
        if (!Holds(Minimum, value, isLower: true, isStrict: false)) return "minimum";
        if (!Holds(ExclusiveMinimum, value, isLower: true, isStrict: true)) return "exclusiveMinimum";
        if (!Holds(Maximum, value, isLower: false, isStrict: false)) return "maximum";
        return Holds(ExclusiveMaximum, value, isLower: false, isStrict: true) ? null : "exclusiveMaximum";
    }

    /// <summary>False where the number cannot be compared exactly.</summary>
    [HotPath]
    private static bool Holds(in ConditionValue bound, in ConditionValue value, bool isLower, bool isStrict)
    {
        if (bound.Kind == ValueKind.None) return true;
        if (value.IsError) return false;
        int order = isLower ? Comparing.OrderNumbers(bound, value) : Comparing.OrderNumbers(value, bound);
        return order == -1 || (order == 0 && !isStrict);
    }

    private static void Lengthen(ref string pointer, string name) =>
        pointer = "/" + name.Replace("~", "~0", StringComparison.Ordinal)
            .Replace("/", "~1", StringComparison.Ordinal) + pointer;

    private static void Lengthen(ref string pointer, long index) => pointer = $"/{index}{pointer}";
}
