using System.Globalization;

namespace Countersign.Policy;

/// <summary>The keys a mapping takes: required, then optional, in canonical order.</summary>
/// <param name="Unsupported">Keys of the language that this version refuses.</param>
/// <param name="Waived">Required keys that are not missed beside an unsupported one that stands in their place.</param>
internal sealed record SectionKeys(string[] Required, string[] Optional, string[] Unsupported, string[] Waived)
{
    public string[] Known { get; } = [.. Required, .. Optional];
}

/// <summary>
/// One mapping of the document, read key by key. Every getter reports what is wrong and returns a stand-in, so that the
/// rest is checked too; what was read with errors is never compiled.
/// </summary>
internal sealed class Section
{
    private readonly DocumentNode _node;
    private readonly PolicyErrors _errors;

    private Section(DocumentNode node, PolicyErrors errors)
    {
        _node = node;
        _errors = errors;
    }

    public DocumentNode Node => _node;

    /// <summary>Checks the keys and puts them into canonical order. Null if it is no mapping.</summary>
    public static Section? Open(DocumentNode node, string what, SectionKeys keys, PolicyErrors errors)
    {
        if (!Expect(node, NodeKind.Mapping, what, "a mapping", errors)) return null;
        bool waives = false;
        foreach (NodeEntry entry in node.Entries)
        {
            string key = entry.Key.Text;
            if (keys.Known.Contains(key)) continue;
            bool isUnsupported = keys.Unsupported.Contains(key);
            waives |= isUnsupported;
            string hint = isUnsupported ? "" : errors.Suggest(key, keys.Known);
            string fault = isUnsupported ? "is not supported by this version" : $"is not a key of {what}";
            errors.Add(entry.Key, $"'{key}' {fault}{hint}");
        }

        Section section = new(node, errors);
        foreach (string key in keys.Required)
        {
            bool isMissing = section.Find(key) is null && !(waives && keys.Waived.Contains(key));
            if (isMissing) errors.Add(node, $"{what} needs '{key}'");
        }

        List<NodeEntry> ordered = [.. node.Entries.OrderBy(entry => Array.IndexOf(keys.Known, entry.Key.Text))];
        node.Entries.Clear();
        node.Entries.AddRange(ordered);
        return section;
    }

    /// <summary>Reports and returns false if the node is of another kind; a broken one was reported already.</summary>
    public static bool Expect(DocumentNode node, NodeKind kind, string what, string expected, PolicyErrors errors)
    {
        if (node.Kind == kind) return true;
        if (node.Kind != NodeKind.Broken) errors.Add(node, $"{what} must be {expected}, not {node.Describe()}");
        return false;
    }

    public DocumentNode? Find(string key)
    {
        foreach (NodeEntry entry in _node.Entries)
        {
            if (string.Equals(entry.Key.Text, key, StringComparison.Ordinal)) return entry.Value;
        }

        return null;
    }

    public DocumentNode? FindKey(string key) => _node.Entries.Find(entry => entry.Key.Text == key).Key;

    /// <summary>The text of a key, or null if it is not there or not text.</summary>
    public string? Text(string key)
    {
        DocumentNode? value = Find(key);
        if (value is null || !Expect(value, NodeKind.Text, key, "text", _errors)) return null;
        string? fault = TextFault(value.Text);
        if (fault is null) return value.Text;
        _errors.Add(value, $"{key} {fault}");
        return null;
    }

    /// <summary>The text of a key that may be long and have line breaks; null if it is not there or not text.</summary>
    public DocumentNode? LongText(string key, int max)
    {
        DocumentNode? value = Find(key);
        if (value is null || !Expect(value, NodeKind.Text, key, "text", _errors)) return null;
        if (value.Text.Length > 0 && value.Text.Length <= max) return value;
        _errors.Add(value, value.Text.Length == 0 ? $"{key} is empty" : $"{key} is longer than {max} characters");
        return null;
    }

    /// <summary>An id: letters, digits, '.', '_' and '-'; no comma, which joins ids in decisions.</summary>
    public string? Id(string key)
    {
        string? id = Text(key);
        if (id is null) return null;
        string? fault = IdFault(id);
        if (fault is null) return id;
        _errors.Add(Find(key)!, fault);
        return null;
    }

    public static string? IdFault(string id)
    {
        bool isId = id.Length is > 0 and <= PolicyLimits.IdCharactersMax && char.IsAsciiLetterOrDigit(id[0])
            && id.All(one => char.IsAsciiLetterOrDigit(one) || one is '.' or '_' or '-');
        return isId ? null : $"'{id}' is not a name: letters, digits, '.', '_' and '-', "
            + $"beginning with a letter or digit, at most {PolicyLimits.IdCharactersMax}";
    }

    public static string? TextFault(string text)
    {
        if (text.Length == 0) return "is empty";
        const int max = PolicyLimits.TextCharactersMax;
        if (text.Length > max) return $"is longer than {max} characters";
        if (text.Contains('\n', StringComparison.Ordinal)) return "has line breaks";
        return char.IsWhiteSpace(text[0]) || char.IsWhiteSpace(text[^1]) ? "begins or ends with a space" : null;
    }

    public TimeSpan Duration(string key, TimeSpan unstated, TimeSpan min, TimeSpan max)
    {
        DocumentNode? value = Find(key);
        if (value is null || value.Kind == NodeKind.Broken) return unstated;
        if (value.Kind != NodeKind.Text || !Policy.Duration.TryParse(value.Text, out TimeSpan duration))
        {
            string written = value.Kind is NodeKind.Text or NodeKind.Number ? $"'{value.Text}'" : value.Describe();
            _errors.Add(value, $"{key} must be a duration such as 500ms, 30s, 15m, 2h or 30d, not {written}");
            return unstated;
        }

        if (duration >= min && duration <= max) return duration;
        string range = $"{Policy.Duration.Write(min)} to {Policy.Duration.Write(max)}";
        _errors.Add(value, $"{key} must be {range}, not {value.Text}");
        return unstated;
    }

    /// <summary>A plain true or false.</summary>
    public bool Flag(string key, bool unstated)
    {
        DocumentNode? value = Find(key);
        if (value is null || value.Kind == NodeKind.Broken) return unstated;
        if (value.Kind == NodeKind.Other && bool.TryParse(value.Text, out bool flag)) return flag;
        _errors.Add(value, $"{key} must be true or false, not {value.Describe()}");
        return unstated;
    }

    public int Count(string key, int max) => Number(key, 1, 1, max);

    public int Number(string key, int unstated, int min, int max)
    {
        DocumentNode? value = Find(key);
        if (value is null || !Expect(value, NodeKind.Number, key, "a whole number", _errors)) return unstated;
        int number = int.Parse(value.Text, CultureInfo.InvariantCulture);
        if (number >= min && number <= max) return number;
        _errors.Add(value, $"{key} must be {min} to {max}, not {value.Text}");
        return unstated;
    }

    /// <summary>
    /// One of the words; those in <paramref name="unsupported"/> are refused as such. Null if it is none.
    /// </summary>
    public string? Word(string key, string[] words, string[] unsupported)
    {
        DocumentNode? value = Find(key);
        if (value is null || !Expect(value, NodeKind.Text, key, WriteWords(words), _errors)) return null;
        if (words.Contains(value.Text)) return value.Text;
        _errors.Add(value, unsupported.Contains(value.Text)
            ? $"{key} '{value.Text}' is not supported by this version"
            : $"{key} must be {WriteWords(words)}, not '{value.Text}'{_errors.Suggest(value.Text, words)}");
        return null;
    }

    /// <summary>A list's items; null if there is no such list.</summary>
    public List<DocumentNode>? List(string key, int min, int max)
    {
        DocumentNode? value = Find(key);
        if (value is null || !Expect(value, NodeKind.Sequence, key, "a list", _errors)) return null;
        if (value.Items.Count < min) _errors.Add(value, $"{key} must have {min} or more items");
        if (value.Items.Count > max) _errors.Add(value, $"{key} must have at most {max} items");
        return value.Items;
    }

    /// <summary>A list of texts, each once. <paramref name="fault"/> says what is wrong with one, or null.</summary>
    public List<string> TextList(string key, int min, Func<string, string?> fault)
    {
        List<string> texts = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (DocumentNode item in List(key, min, PolicyLimits.ListItemsMax) ?? [])
        {
            if (!Expect(item, NodeKind.Text, $"an item of {key}", "text", _errors)) continue;
            string? wrong = TextFault(item.Text) is { } shape ? $"an item of {key} {shape}" : fault(item.Text);
            if (wrong is null && !seen.Add(item.Text)) wrong = $"'{item.Text}' is listed twice";
            if (wrong is null) texts.Add(item.Text);
            else _errors.Add(item, wrong);
        }

        return texts;
    }

    public List<string> Groups(string key, int min) => TextList(key, min, GroupFault);

    private static string? GroupFault(string group) => Glob.IsPattern(group)
        ? $"'{group}': groups are compared exactly, '*' stands for nothing" : null;

    private static string WriteWords(string[] words) => words.Length == 1
        ? words[0] : string.Join(", ", words[..^1]) + " or " + words[^1];
}
