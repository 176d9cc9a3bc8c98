namespace Countersign.Architecture.Tests;

/// <summary>
/// C# text taken apart into code and comments, each as long as the whole with the rest blanked, so that a position or a
/// line number means the same in all three. What strings and characters hold is in neither; their quotes are code.
/// </summary>
internal sealed class SourceText
{
    private readonly string _text;
    private readonly char[] _code;
    private readonly char[] _comments;
    private int _at;

    public SourceText(string text)
    {
        _text = text;
        _code = Blank(text);
        _comments = Blank(text);
        TakeCode(isHole: false);
        Code = new string(_code);
        Comments = new string(_comments);
    }

    /// <summary>The text without comments and without what literals hold.</summary>
    public string Code { get; }

    /// <summary>The comments alone, with their slashes.</summary>
    public string Comments { get; }

    private static char[] Blank(string text) => [.. text.Select(one => one is '\n' or '\r' ? one : ' ')];

    private char Peek(int ahead) => _at + ahead < _text.Length ? _text[_at + ahead] : '\0';

    private void TakeCode(bool isHole)
    {
        int depth = 0;
        while (_at < _text.Length)
        {
            char one = _text[_at];
            if (isHole && one == '}' && depth-- == 0) return;
            if (isHole && one == '{') depth++;
            if (one == '/' && Peek(1) == '/') TakeComment(_text.IndexOf('\n', _at));
            else if (one == '/' && Peek(1) == '*') TakeComment(_text.IndexOf("*/", _at, StringComparison.Ordinal) + 2);
            else if (one == '#' && IsFirstOfLine()) TakeDirective();
            else if (one == '\'') TakeCharacter();
            else if (one is '"' or '$' or '@' && QuoteAhead() >= 0) TakeString();
            else Keep(1);
        }
    }

    private void Keep(int count)
    {
        for (int end = Math.Min(_at + count, _text.Length); _at < end; _at++) _code[_at] = _text[_at];
    }

    private void TakeComment(int end)
    {
        if (end < _at) end = _text.Length;
        for (; _at < end; _at++) _comments[_at] = _text[_at];
    }

    private bool IsFirstOfLine()
    {
        int start = _text.LastIndexOf('\n', _at) + 1;
        return _text.AsSpan(start, _at - start).Trim().IsEmpty;
    }

    // A directive's text is free: an apostrophe in it opens nothing.
    private void TakeDirective()
    {
        int end = _text.IndexOf('\n', _at);
        Keep((end < 0 ? _text.Length : end) - _at);
    }

    private void TakeCharacter()
    {
        Keep(1);
        while (_at < _text.Length && _text[_at] != '\'') _at += _text[_at] == '\\' ? 2 : 1;
        Keep(1);
    }

    /// <summary>How many of the marks $ and @ stand before a quote here; negative if no string begins.</summary>
    private int QuoteAhead()
    {
        int marks = 0;
        while (Peek(marks) is '$' or '@') marks++;
        return Peek(marks) == '"' ? marks : -1;
    }

    private void TakeString()
    {
        int marks = QuoteAhead();
        string prefix = _text.Substring(_at, marks);
        int holeBraces = prefix.Count(mark => mark == '$');
        bool isVerbatim = prefix.Contains('@', StringComparison.Ordinal);
        Keep(marks);
        int quotes = 0;
        while (Peek(quotes) == '"') quotes++;
        if (!isVerbatim && quotes >= 3) TakeRaw(quotes, holeBraces);
        else if (!isVerbatim && quotes == 2) Keep(2);
        else TakeQuoted(isVerbatim, holeBraces > 0);
    }

    private void TakeQuoted(bool isVerbatim, bool hasHoles)
    {
        Keep(1);
        while (_at < _text.Length)
        {
            char one = _text[_at];
            if (one == '"' && !(isVerbatim && Peek(1) == '"')) break;
            if ((one == '\\' && !isVerbatim) || one == '"') _at += 2;
            else if (hasHoles && one == '{' && Peek(1) == '{') _at += 2;
            else if (hasHoles && one == '{') TakeHole(1);
            else _at++;
        }

        Keep(1);
    }

    private void TakeRaw(int quotes, int holeBraces)
    {
        Keep(quotes);
        string end = new('"', quotes);
        string hole = new('{', Math.Max(holeBraces, 1));
        while (_at < _text.Length && string.CompareOrdinal(_text, _at, end, 0, quotes) != 0)
        {
            if (holeBraces > 0 && string.CompareOrdinal(_text, _at, hole, 0, holeBraces) == 0) TakeHole(holeBraces);
            else _at++;
        }

        Keep(quotes);
    }

    private void TakeHole(int braces)
    {
        _at += braces;
        TakeCode(isHole: true);
        _at += braces;
    }
}
