using System.Globalization;
using System.Text;
using Countersign.Policy.Approvals;

namespace Countersign.Cli;

/// <summary>
/// Passes JSON on. Once it is switched on, whatever could steer a terminal, turn a line or hide in it is written as an
/// escape, <c>\u202e</c>: the same value to whoever parses it, and nothing but ink to whoever looks at it. What a
/// caller wrote can stand in no other place of JSON than a string, so that no grammar is needed here.
/// </summary>
internal sealed class SafeJson(TextWriter inner) : TextWriter(inner.FormatProvider)
{
    // The first half of a pair that was written alone; the second comes next.
    private char _high;

    /// <summary>True once it is JSON that is written.</summary>
    internal bool IsOn { get; set; }

    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => Write([value]);

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(ReadOnlySpan<char> buffer) => inner.Write(IsOn ? Escape(buffer) : buffer);

    // One call a line: the console's lines of two tasks do not mix.
    public override void WriteLine(string? value) =>
        inner.WriteLine(IsOn ? Escape(value).ToString() : value);

    public override void Flush() => inner.Flush();

    public override Task FlushAsync() => inner.FlushAsync();

    private ReadOnlySpan<char> Escape(ReadOnlySpan<char> text)
    {
        StringBuilder safe = new(text.Length);
        foreach (char one in text)
        {
            if (_high != 0)
            {
                bool isPair = char.IsLowSurrogate(one);
                Append(safe, isPair ? char.ConvertToUtf32(_high, one) : _high);
                _high = '\0';
                if (isPair) continue;
            }

            if (char.IsHighSurrogate(one)) _high = one;
            else Append(safe, one);
        }

        return safe.ToString();
    }

    // Line ends and tabs are JSON's own white space: within a string its writer has escaped them.
    private static void Append(StringBuilder safe, int code)
    {
        bool isPlain = code is '\n' or '\r' or '\t' || !SafeText.Deceives(code);
        Span<char> units = stackalloc char[2];
        int count = 1;
        if (code > char.MaxValue) count = new Rune(code).EncodeToUtf16(units);
        else units[0] = (char)code;
        foreach (char unit in units[..count])
        {
            if (isPlain) safe.Append(unit);
            else safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
        }
    }
}
