using System.Globalization;
using System.Text;

namespace Countersign.Masking;

/// <summary>Where in a body the value under way stands, in words. Kept only for a listener; it allocates.</summary>
internal sealed class MaskLocation
{
    private readonly List<string> _steps = [];
    private readonly List<long> _indexes = [];
    private string _prefix = "";

    /// <summary>What follows lies inside the string at <paramref name="path"/>.</summary>
    public void Begin(string path) => _prefix = path + "~";

    public void Root()
    {
        _steps.Clear();
        _indexes.Clear();
        _steps.Add("$");
    }

    public void Member(ReadOnlySpan<byte> name) => _steps[^1] = "['" + Escape(Encoding.UTF8.GetString(name)) + "']";

    public void Element() => _steps[^1] = "[" + (_indexes[^1]++).ToString(CultureInfo.InvariantCulture) + "]";

    public void Open()
    {
        _steps.Add("");
        _indexes.Add(0);
    }

    public void Close()
    {
        _steps.RemoveAt(_steps.Count - 1);
        _indexes.RemoveAt(_indexes.Count - 1);
    }

    public override string ToString() => _prefix + string.Concat(_steps);

    private static string Escape(string name)
    {
        var text = new StringBuilder(name.Length);
        foreach (char letter in name)
        {
            if (letter is '\'' or '\\') text.Append('\\').Append(letter);
            else if (letter >= ' ') text.Append(letter);
            else text.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}");
        }

        return text.ToString();
    }
}
