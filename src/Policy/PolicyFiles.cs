namespace Countersign.Policy;

/// <summary>
/// Merges a policy that is written in several files: what <c>include</c> names is read as if it stood in the file that
/// names it. The result is one document, which is what gets published.
/// </summary>
internal sealed class PolicyFiles(Func<string, string?> readFile, bool mayLeaveFolder, PolicyErrors errors)
{
    private const string Include = "include";

    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);
    private readonly List<string> _open = [];
    private long _characters;

    /// <summary>The merged document of the file and all that it includes; null if a file of it is no YAML.</summary>
    public DocumentNode? Read(string name, string text)
    {
        _taken.Add(name);
        errors.AddFile(name);
        return ReadFile(name, text);
    }

    private DocumentNode? ReadFile(string name, string text)
    {
        _characters += text.Length;
        if (_characters > PolicyLimits.DocumentBytesMax)
        {
            errors.Add(name, 1, 1, $"the files of the policy are larger than {PolicyLimits.DocumentBytesMax} bytes");
            return null;
        }

        if (DocumentTree.Read(text, errors, name) is not { } root) return null;
        DocumentNode? includes = TakeInclude(root);
        if (includes is null) return root;
        if (!Section.Expect(includes, NodeKind.Sequence, Include, "a list of files", errors)) return root;
        _open.Add(name);
        foreach (DocumentNode item in includes.Items) Merge(root, item, name);
        _open.RemoveAt(_open.Count - 1);
        return root;
    }

    private static DocumentNode? TakeInclude(DocumentNode root)
    {
        int at = root.Entries.FindIndex(entry => entry.Key.Text == Include);
        if (at < 0) return null;
        DocumentNode includes = root.Entries[at].Value;
        root.Entries.RemoveAt(at);
        return includes;
    }

    private void Merge(DocumentNode root, DocumentNode item, string from)
    {
        if (!Section.Expect(item, NodeKind.Text, "an item of include", "the name of a file", errors)) return;
        if (Resolve(item.Text, from, out string fault) is not { } name)
        {
            errors.Add(item, fault);
            return;
        }

        if (name == from || _open.Contains(name)) fault = $"'{name}' includes itself: {WriteCircle(name, from)}";
        else if (!_taken.Add(name)) fault = $"'{name}' is included twice";
        if (fault.Length > 0 || readFile(name) is not { } text)
        {
            errors.Add(item, fault.Length > 0 ? fault : $"there is no file '{name}'");
            return;
        }

        errors.AddFile(name);
        if (ReadFile(name, text) is { } part) MergeRoots(root, part);
    }

    private string WriteCircle(string name, string from)
    {
        string[] circle = [.. _open.SkipWhile(one => one != name), name];
        return string.Join(" includes ", name == from ? [name, name] : circle);
    }

    /// <summary>
    /// By <c>/</c>, from the folder of the file that names it; null where it leaves the policy's folder.
    /// </summary>
    private string? Resolve(string written, string from, out string fault)
    {
        fault = "";
        bool isRelative = !written.StartsWith('/') && !written.Contains('\\', StringComparison.Ordinal)
            && !written.Contains(':', StringComparison.Ordinal);
        if (!isRelative)
        {
            fault = $"'{written}' is not a relative path, with '/' between its parts";
            return null;
        }

        List<string> parts = [.. from.Split('/')[..^1]];
        foreach (string part in written.Split('/'))
        {
            bool goesUp = part == "..";
            if (goesUp && parts.Count > 0 && parts[^1] != "..") parts.RemoveAt(parts.Count - 1);
            else if (part is not ("." or "")) parts.Add(part);
        }

        if (!mayLeaveFolder && parts.Contains(".."))
        {
            fault = $"'{written}' leaves the folder of the policy; --include-outside lets it";
            return null;
        }

        return string.Join('/', parts);
    }

    /// <summary>Maps are joined and lists are put one behind the other; what is neither may be said once.</summary>
    private void MergeRoots(DocumentNode root, DocumentNode part)
    {
        if (!Section.Expect(part, NodeKind.Mapping, "an included file", "a mapping", errors)) return;
        foreach (NodeEntry entry in part.Entries)
        {
            int at = root.Entries.FindIndex(one => one.Key.Text == entry.Key.Text);
            DocumentNode? there = at < 0 ? null : root.Entries[at].Value;
            if (there is null)
            {
                root.Entries.Add(entry);
            }
            else if (there.Kind == NodeKind.Mapping && entry.Value.Kind == NodeKind.Mapping)
            {
                Join(there, entry.Value);
            }
            else if (there.Kind == NodeKind.Sequence && entry.Value.Kind == NodeKind.Sequence)
            {
                there.Items.AddRange(entry.Value.Items);
            }
            else if (there.Kind != entry.Value.Kind || there.Text != entry.Value.Text)
            {
                errors.Add(entry.Key, $"'{entry.Key.Text}' is given at {root.Entries[at].Key.Place} as well");
            }
        }
    }

    private void Join(DocumentNode into, DocumentNode from)
    {
        Dictionary<string, DocumentNode> taken = new(StringComparer.Ordinal);
        foreach (NodeEntry entry in into.Entries) taken[entry.Key.Text] = entry.Key;
        foreach (NodeEntry entry in from.Entries)
        {
            if (taken.TryGetValue(entry.Key.Text, out DocumentNode? other))
            {
                errors.Add(entry.Key, $"'{entry.Key.Text}' is given at {other.Place} as well");
            }
            else
            {
                into.Entries.Add(entry);
            }
        }
    }
}
