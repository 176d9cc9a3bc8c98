using System.Globalization;
using System.Text;

namespace Countersign.Policy;

/// <summary>What a node is. Zero was reported as an error already and is passed over in silence.</summary>
internal enum NodeKind : byte
{
    Broken = 0,
    Mapping,
    Sequence,
    Text,
    Number,

    /// <summary>A plain <c>true</c>, <c>1.5</c>, <c>~</c> or nothing: few keys of the language take one.</summary>
    Other,
}

/// <summary>A key and its value.</summary>
internal readonly record struct NodeEntry(DocumentNode Key, DocumentNode Value);

/// <summary>One value of a policy document and where it stands, both counted from 1.</summary>
internal sealed class DocumentNode(NodeKind kind, int line, int column, string text = "")
{
    /// <summary>How a text was written and in which document, to find places within it.</summary>
    public TextOrigin? Origin { get; init; }

    public NodeKind Kind { get; } = kind;

    public int Line { get; } = line;

    public int Column { get; } = column;

    public string Text { get; } = text;

    /// <summary>The file it stands in, of a document in several; empty where there is one.</summary>
    public string File { get; init; } = "";

    /// <summary>Where it stands, for an error message about something else.</summary>
    public string Place => File.Length == 0 ? $"line {Line}" : $"{File}:{Line}";

    /// <summary>
    /// Set by the reader that took a plain null or a number of any size for what it is; elsewhere a plain <c>null</c>
    /// is a word.
    /// </summary>
    public bool IsJsonValue { get; set; }

    /// <summary>A mapping's entries: as written, until a reader puts them into canonical order.</summary>
    public List<NodeEntry> Entries { get; } = [];

    public List<DocumentNode> Items { get; } = [];

    /// <summary>A plain <c>null</c>, or nothing.</summary>
    public bool IsNull => Kind == NodeKind.Other && Text is "" or "~" or "null" or "Null" or "NULL";

    /// <summary>What it is, for an error message.</summary>
    public string Describe() => Kind switch
    {
        NodeKind.Mapping => "a mapping",
        NodeKind.Sequence => "a list",
        NodeKind.Text => "text",
        NodeKind.Number => "a number",
        _ when Text.Length == 0 => "nothing",
        _ => $"{Text} (quote it if it is meant as text)",
    };

    /// <summary>
    /// Appends canonical JSON: no white space, only the escapes that JSON demands. Other control characters than the
    /// line breaks of a block, which would need more, were refused with the document.
    /// </summary>
    public void WriteJson(StringBuilder json)
    {
        if (Kind == NodeKind.Number)
        {
            json.Append(int.Parse(Text, CultureInfo.InvariantCulture));
        }
        else if (Kind == NodeKind.Mapping)
        {
            char separator = '{';
            foreach (NodeEntry entry in Entries)
            {
                json.Append(separator);
                WriteJsonText(entry.Key.Text, json);
                json.Append(':');
                entry.Value.WriteJson(json);
                separator = ',';
            }

            json.Append(Entries.Count == 0 ? "{}" : "}");
        }
        else if (Kind == NodeKind.Sequence)
        {
            char separator = '[';
            foreach (DocumentNode item in Items)
            {
                json.Append(separator);
                item.WriteJson(json);
                separator = ',';
            }

            json.Append(Items.Count == 0 ? "[]" : "]");
        }
        else if (Kind == NodeKind.Other && bool.TryParse(Text, out bool flag))
        {
            json.Append(flag ? "true" : "false");
        }
        else if (IsJsonValue)
        {
            json.Append(IsNull ? "null" : Text);
        }
        else
        {
            WriteJsonText(Text, json);
        }
    }

    private static void WriteJsonText(string text, StringBuilder json)
    {
        json.Append('"');
        foreach (char one in text)
        {
            if (one is '"' or '\\') json.Append('\\');
            if (one == '\n') json.Append("\\n");
            else json.Append(one);
        }

        json.Append('"');
    }
}
