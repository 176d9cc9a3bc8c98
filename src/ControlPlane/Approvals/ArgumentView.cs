using System.Buffers;
using Countersign.Masking;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.Net.Http.Headers;
using MaskAction = Countersign.Masking.MaskAction;
using MaskNames = Countersign.Masking.MaskNames;

namespace Countersign.ControlPlane.Approvals;

/// <summary>What is shown of a paused call's payload.</summary>
/// <param name="Arguments">The body as masked JSON; empty where it cannot be shown.</param>
/// <param name="Bytes">The body's length; -1 where it is gone or cannot be opened.</param>
/// <param name="Headers">The binding headers, masked, as a JSON array; empty where they are gone.</param>
internal readonly record struct ShownBody(
    ReadOnlyMemory<byte> Arguments, long Bytes, ReadOnlyMemory<byte> Headers)
{
    /// <summary>Nothing is known of the payload.</summary>
    public static ShownBody Unknown => new(default, -1, default);
}

/// <summary>A paused call's body as one viewer may see it.</summary>
internal static class ArgumentView
{
    /// <summary>
    /// The body as one JSON value, masked by the policy in force for the viewer's groups. Empty when it is not JSON,
    /// cannot be masked, or there is no policy to mask it by: what cannot be proven masked is not shown (STYLE rule
    /// 16).
    /// </summary>
    public static ReadOnlyMemory<byte> Mask(
        ReadOnlySpan<byte> body, string contentType, PolicySnapshot? policy, IReadOnlyList<string> viewerGroups,
        string functionId, IReadOnlyDictionary<string, TokenKey> keys)
    {
        // A change of policy is of no upstream, and hiding a part of it would hide what is approved.
        if (functionId.StartsWith(Policies.PolicyProposals.FunctionPrefix, StringComparison.Ordinal))
            return body.ToArray();
        if (policy is null || !IsUtf8(contentType) || !StrictJson.IsUnambiguous(body, out _)) return default;
        return Mask(body, policy.MasksFor(viewerGroups, functionId), keys);
    }

    /// <summary>One JSON value under masks; empty when it cannot be masked.</summary>
    internal static ReadOnlyMemory<byte> Mask(
        ReadOnlySpan<byte> body, IReadOnlyList<MaskTerms> masks, IReadOnlyDictionary<string, TokenKey> keys)
    {
        MaskProgram program = ProgramFor(masks, keys);
        ArrayBufferWriter<byte> masked = new(Math.Max(body.Length, 1));
        JsonMasker masker = new();
        masker.Reset(program);
        bool isMasked = masker.Write(body, masked) == MaskStatus.NeedMore && masker.Finish(masked) == MaskStatus.Done;
        return isMasked ? masked.WrittenMemory : default;
    }

    // Whoever asks chooses the type, and an upstream may ignore it: what is JSON is shown as JSON under any type.
    // Another charset would let bytes mean other characters upstream than they meant to the mask.
    private static bool IsUtf8(string contentType)
    {
        if (!MediaTypeHeaderValue.TryParse(contentType, out MediaTypeHeaderValue? type) || !type.Charset.HasValue)
            return true;
        return HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase);
    }

    private static MaskProgram ProgramFor(
        IReadOnlyList<MaskTerms> masks, IReadOnlyDictionary<string, TokenKey> keys) =>
        MaskSelection.Compile(masks.Select(mask => new MaskSelection(
            mask.Fields, mask.Detect, (MaskAction)mask.Action, (MaskNames)mask.Names,
            mask.Key is null ? null : keys.GetValueOrDefault(mask.Key))));
}
