namespace Countersign.Policy;

/// <summary>Reads the masks.</summary>
internal sealed class MaskReader(
    PolicyContent content, FunctionReader functions, MaskVocabulary vocabulary, PolicyErrors errors)
{
    private static readonly SectionKeys MaskKeys = new(
        ["id", "functions"],
        ["fields", "names", "detect", "headers", "action", "key", "encoding", "except"], [], []);

    private static readonly string[] Actions = ["redact", "keep-last-4", "tokenize", "null", "drop"];

    // What frames a message or says how it is read: without it, or with another value, the answer would be another one.
    private static readonly HashSet<string> UnmaskableHeaders =
    [
        "accept-ranges", "connection", "content-digest", "content-encoding", "content-length", "content-md5",
        "content-range", "content-type", "date", "digest", "etag", "keep-alive", "proxy-authenticate",
        "proxy-connection", "repr-digest", "te", "trailer", "transfer-encoding", "upgrade", "vary", "via",
    ];

    public void ReadMasks(List<DocumentNode> items)
    {
        HashSet<string> ids = new(StringComparer.Ordinal);
        foreach (DocumentNode item in items)
        {
            if (Section.Open(item, "a mask", MaskKeys, errors) is not { } section) continue;
            string id = RuleReader.ReadId(section, ids, errors);
            List<string> covered = section.TextList("functions", 1, functions.ReferenceFault);
            content.Masks.Add(new MaskRule(ReadTerms(section, id), covered, ReadExcept(section)));
        }
    }

    private MaskTerms ReadTerms(Section section, string id)
    {
        DocumentNode? selection = section.Find("fields") ?? section.Find("detect") ?? section.Find("headers");
        if (selection is null) errors.Add(section.Node, "a mask needs 'fields', 'detect' or 'headers'");
        MaskAction action = ReadAction(section);
        return new MaskTerms(id, section.TextList("fields", 1, vocabulary.FieldFault), action)
        {
            Names = ReadNames(section),
            Detect = section.TextList("detect", 1, vocabulary.DetectorFault),
            Headers = ReadHeaders(section),
            Key = ReadKey(section, action),
            KeepsEncoding = section.Word("encoding", ["identity", "keep"], []) == "keep",
        };
    }

    // In YAML a plain null is no text, and just what somebody writes who means this action.
    private static MaskAction ReadAction(Section section)
    {
        if (section.Find("action") is { Kind: NodeKind.Other, Text: "null" }) return MaskAction.Null;
        return section.Word("action", Actions, []) switch
        {
            "keep-last-4" => MaskAction.KeepLast4,
            "tokenize" => MaskAction.Tokenize,
            "null" => MaskAction.Null,
            "drop" => MaskAction.Drop,
            _ => MaskAction.Redact,
        };
    }

    private MaskNames ReadNames(Section section)
    {
        if (section.FindKey("names") is { } key && section.Find("fields") is null)
        {
            errors.Add(key, "'names' has no meaning without 'fields'");
        }

        return section.Word("names", ["exact", "ignore-case", "ignore-separators"], []) switch
        {
            "exact" => MaskNames.Exact,
            "ignore-case" => MaskNames.IgnoreCase,
            "ignore-separators" => MaskNames.IgnoreSeparators,
            _ => MaskNames.Usual,
        };
    }

    private string? ReadKey(Section section, MaskAction action)
    {
        if (section.FindKey("key") is { } key)
        {
            if (action != MaskAction.Tokenize) errors.Add(key, "'key' has no meaning without action tokenize");
        }
        else if (action == MaskAction.Tokenize)
        {
            return MaskTerms.UsualKey;
        }

        return section.Id("key");
    }

    private static string[] ReadHeaders(Section section)
    {
        HashSet<string> seen = new(StringComparer.OrdinalIgnoreCase);
        List<string> headers = section.TextList("headers", 1, header =>
            HeaderFault(header) ?? (seen.Add(header) ? null : $"'{header}' is listed twice"));
        return [.. headers.Select(header => header.ToLowerInvariant())];
    }

    private static string? HeaderFault(string header)
    {
        if (!FunctionReader.IsHeaderName(header)) return $"'{header}' is not a header name";
        string name = header.ToLowerInvariant();
        bool isOwn = name.StartsWith("countersign-", StringComparison.Ordinal);
        return isOwn || UnmaskableHeaders.Contains(name)
            ? $"'{header}' frames or describes the answer, or never leaves under a mask, so it cannot be masked" : null;
    }

    /// <summary>Other ways to be exempt would have to be understood to be safe: all but groups are refused.</summary>
    private List<string> ReadExcept(Section mask)
    {
        if (mask.Find("except") is not { } node) return [];
        string[] others = [.. node.Entries.Select(entry => entry.Key.Text).Where(key => key != "groups")];
        SectionKeys keys = new(["groups"], [], others, ["groups"]);
        return Section.Open(node, "except", keys, errors)?.Groups("groups", 1) ?? [];
    }
}
