using System.Text;
using Countersign.DataPlane.Http;
using Countersign.Masking;
using Countersign.Masking.Content;
using Countersign.Policy;
using MaskAction = Countersign.Masking.MaskAction;
using MaskNames = Countersign.Masking.MaskNames;

namespace Countersign.DataPlane.Calls;

/// <summary>A mask on the response headers of one name, in lower case.</summary>
internal sealed record HeaderMask(byte[] Name, MaskAction Action, MaskedValue Value);

/// <summary>The masks of a decision, compiled: what happens to the body, and to which headers.</summary>
internal sealed class MaskPlan
{
    private readonly HeaderMask[] _headers;

    internal MaskPlan(IReadOnlyList<MaskTerms> masks, IReadOnlyDictionary<string, TokenKey> keys)
    {
        Program = MaskSelection.Compile(masks.Select(mask => new MaskSelection(
            mask.Fields, mask.Detect, (MaskAction)mask.Action, (MaskNames)mask.Names, KeyOf(mask, keys))));
        KeepsEncoding = masks.Any(mask => mask.KeepsEncoding);
        _headers =
        [
            .. masks.SelectMany(mask => mask.Headers.Select(name => (name, mask)))
                .GroupBy(pair => pair.name, pair => pair.mask)
                .Select(group => MaskOf(group.Key, group, keys)),
        ];
    }

    /// <summary>What is masked in bodies.</summary>
    internal MaskProgram Program { get; }

    /// <summary>True if bodies are masked at all.</summary>
    internal bool MasksBody => !Program.IsEmpty;

    /// <summary>True if a body leaves under the coding that it came with.</summary>
    internal bool KeepsEncoding { get; }

    /// <summary>The mask on a header, or null.</summary>
    [HotPath]
    internal HeaderMask? Find(ReadOnlySpan<byte> name)
    {
        foreach (HeaderMask header in _headers)
        {
            if (Ascii.EqualsIgnoreCase(header.Name, name)) return header;
        }

        return null;
    }

    /// <summary>How many fields of an answer's head are masked.</summary>
    [HotPath]
    internal int CountHeaders(ResponseHead head)
    {
        if (_headers.Length == 0) return 0;
        int count = 0;
        foreach (ref readonly FieldSlice field in head.Fields) count += Find(head.Name(field)) is null ? 0 : 1;
        return count;
    }

    // A gateway that lacks the key cannot make the tokens that were meant; it redacts, which shows less.
    private static TokenKey? KeyOf(MaskTerms mask, IReadOnlyDictionary<string, TokenKey> keys) =>
        mask.Key is null ? null : keys.GetValueOrDefault(mask.Key);

    // Of several masks on one header the one that leaves least of it counts, as among the rules of a body.
    private static HeaderMask MaskOf(
        string name, IEnumerable<MaskTerms> masks, IReadOnlyDictionary<string, TokenKey> keys)
    {
        MaskTerms strictest = masks.MinBy(mask => MaskedValue.StrictnessOf((MaskAction)mask.Action))!;
        MaskAction action = (MaskAction)strictest.Action;
        return new HeaderMask(
            Encoding.ASCII.GetBytes(name), action, new MaskedValue(action, KeyOf(strictest, keys), name));
    }
}
