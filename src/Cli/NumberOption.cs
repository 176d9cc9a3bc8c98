using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using Countersign.Policy.Approvals;

namespace Countersign.Cli;

/// <summary>Options that take a whole number: what is none, or is out of its range, is refused in words for people,
/// where System.CommandLine would name its own types.</summary>
internal static class NumberOption
{
    /// <summary>One with a default.</summary>
    /// <param name="name">As it is typed.</param>
    /// <param name="description">What --help says.</param>
    /// <param name="fallback">What holds where it is not given.</param>
    /// <param name="least">The least that is taken.</param>
    /// <param name="most">The most; the type's own largest says that there is no bound.</param>
    /// <param name="aliases">Other names.</param>
    internal static Option<T> Create<T>(
        string name, string description, T fallback, T least, T most, params string[] aliases)
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T> => new(name, aliases)
        {
            Description = description,
            DefaultValueFactory = _ => fallback,
            CustomParser = argument => Read(argument, name, least, most) ?? fallback,
        };

    /// <summary>One that may be left out.</summary>
    internal static Option<T?> CreateOptional<T>(string name, string description, T least, T most)
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T> => new(name)
        {
            Description = description,
            CustomParser = argument => Read(argument, name, least, most),
        };

    private static T? Read<T>(ArgumentResult argument, string name, T least, T most)
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T>
    {
        string text = argument.Tokens[0].Value;
        bool isNumber = T.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out T number);
        if (isNumber && number >= least && number <= most) return number;
        string range = most == T.MaxValue ? $"of {least} or more" : $"from {least} to {most}";
        argument.AddError($"{name}: '{SafeText.Show(text)}' is not a whole number {range}");
        return null;
    }
}
