using System.Text.RegularExpressions;

namespace Countersign.Architecture.Tests;

/// <summary>
/// Finds the declarations in C# code whose comments and literals are blanked. It follows braces and knows no grammar
/// beyond what tells a type from a method from a property; that is enough for code the compiler has taken.
/// </summary>
internal sealed partial class MemberFinder
{
    private static readonly string[] NoNames =
    [
        "public", "private", "protected", "internal", "static", "readonly", "ref", "async", "override", "virtual",
        "sealed",
        "abstract", "extern", "new", "partial", "base", "this", "required", "implicit", "explicit", "in", "out",
        "params",
    ];

    private readonly string _code;
    private readonly List<Member> _members = [];

    private MemberFinder(string code) => _code = code;

    public static IReadOnlyList<Member> Find(string code)
    {
        var finder = new MemberFinder(code);
        finder.Scan(0);
        return [.. finder._members.OrderBy(member => member.Start)];
    }

    /// <summary>Reads declarations up to the brace that closes them; returns where it stands.</summary>
    private int Scan(int from)
    {
        int header = from;
        int arrow = -1;
        for (int at = from; at < _code.Length; at++)
        {
            switch (_code[at])
            {
                case '(' or '[':
                    at = Close(at);
                    break;
                case '=' when at + 1 < _code.Length && _code[at + 1] == '>' && arrow < 0:
                    arrow = at;
                    break;
                case ';':
                    if (arrow >= 0) Add(header, arrow, at);
                    else AddBodiless(header, at);
                    header = at + 1;
                    arrow = -1;
                    break;
                case '{' when arrow >= 0 || IsInitializer(header, at):
                    at = Close(at);
                    break;
                case '{':
                    at = TakeBlock(header, at);
                    header = at + 1;
                    break;
                case '}':
                    return at;
            }
        }

        return _code.Length;
    }

    private int TakeBlock(int header, int brace)
    {
        string text = _code[header..brace];
        bool isOuter = TypeWord().IsMatch(text) || NamespaceWord().IsMatch(text);
        int end = isOuter ? Scan(brace + 1) : Close(brace);
        Add(header, brace, end);
        return end;
    }

    // A property may go on after its accessors: `{ get; } = 1;` is then a header of its own without a name.
    private bool IsInitializer(int header, int brace)
    {
        string text = Parenthesis().Replace(WithoutAttributes(_code[header..brace]), "");
        return Assignment().IsMatch(text) && !text.Contains("operator", StringComparison.Ordinal);
    }

    private int Close(int open)
    {
        int depth = 0;
        for (int at = open; at < _code.Length; at++)
        {
            if (_code[at] is '(' or '[' or '{') depth++;
            else if (_code[at] is ')' or ']' or '}' && --depth == 0) return at;
        }

        return _code.Length - 1;
    }

    private void AddBodiless(int header, int end)
    {
        if (TypeWord().IsMatch(_code[header..end])) Add(header, end, end);
    }

    private void Add(int from, int body, int end)
    {
        string whole = _code[from..body];
        string text = WithoutAttributes(whole);
        int top = from + whole.Length - whole.TrimStart().Length;
        int start = from + whole.Length - text.Length;
        string attributes = whole[..^text.Length];
        Match type = TypeWord().Match(text);
        if (NamespaceWord().IsMatch(text)) return;
        if (type.Success) _members.Add(Make(MemberKind.Type, type.Groups["name"].Value));
        else if (MethodName(text) is { } name) _members.Add(Make(MemberKind.Method, name));
        else if (LastWord().Match(text) is { Success: true } word)
        {
            _members.Add(Make(MemberKind.Property, word.Groups["name"].Value));
        }

        Member Make(MemberKind kind, string name) => new(kind, name, attributes, text.Trim(), top, start, body, end);
    }

    private static string? MethodName(string header) =>
        CallLike().Matches(header).Select(match => match.Groups["name"].Value)
            .FirstOrDefault(name => !NoNames.Contains(name));

    private static string WithoutAttributes(string header)
    {
        string rest = header.TrimStart();
        while (rest.StartsWith('[') || rest.StartsWith('#'))
        {
            int end = rest[0] == '#' ? rest.IndexOf('\n', StringComparison.Ordinal) : EndOfAttribute(rest);
            rest = end < 0 ? "" : rest[(end + 1)..].TrimStart();
        }

        return rest;
    }

    private static int EndOfAttribute(string text)
    {
        int depth = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] == '[') depth++;
            else if (text[at] == ']' && --depth == 0) return at;
        }

        return -1;
    }

    [GeneratedRegex(
        @"\b(class|struct|interface|enum|record(\s+(class|struct))?)\s+(?!struct\b|class\b)(?<name>[A-Za-z_]\w*)")]
    private static partial Regex TypeWord();

    [GeneratedRegex(@"^\s*namespace\s", RegexOptions.Multiline)]
    private static partial Regex NamespaceWord();

    [GeneratedRegex(@"(?<![=!<>])=(?![=>])")]
    private static partial Regex Assignment();

    [GeneratedRegex(@"\((?>[^()]+|(?<open>\()|(?<-open>\)))*(?(open)(?!))\)")]
    private static partial Regex Parenthesis();

    [GeneratedRegex(@"(?<name>\boperator\s*\S+?|\b\w+)\s*(<[^()]*>)?\s*\(")]
    private static partial Regex CallLike();

    [GeneratedRegex(@"(?<name>\w+)\s*(\[.*\])?\s*$", RegexOptions.Singleline)]
    private static partial Regex LastWord();
}
