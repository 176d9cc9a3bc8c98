using System.Buffers;
using System.Text;
using Countersign.DataPlane.Http;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Calls;

/// <content>What a call is held to before it is paused: that it can be read, and bound, in one way only.</content>
internal sealed partial class ApprovalDesk
{
    private const int ReasonBytesMax = 1_000;

    // Approvers must see all of it. There is one at most, as the head was read.
    private static Verdict CheckReason(CallContext call)
    {
        int bytes = call.Request.Value(FieldId.CountersignReason).Length;
        if (bytes > ReasonBytesMax)
        {
            call.Detail = "Countersign-Reason may hold at most 1,000 bytes; approvers are shown all of it.";
            return Verdict.HeadersTooLarge;
        }

        return Verdict.Proceed;
    }

    // Without one nothing is filed. Whoever joins, names or claims an approval need not say it again: it is in there,
    // and a retry is the same call without it (DESIGN 4.2).
    private static bool LacksReason(CallContext call) => call.Decision!.Approval!.ReasonRequired
        && call.Request.Value(FieldId.CountersignReason).IsEmpty;

    /// <summary>
    /// Why approvers cannot be shown a body: it means something else once it is decoded, or something else to another
    /// reader. Empty where they can.
    /// </summary>
    internal static string WhyUnshowable(RequestHead head, ReadOnlySpan<byte> body)
    {
        if (head.Count(FieldId.ContentEncoding) > 0)
            return "An encoded body cannot be shown to approvers; send it without Content-Encoding.";
        return MayBeJson(head, body) && !StrictJson.IsUnambiguous(body, out string why)
            ? "The body can be read in more than one way: " + why
            : "";
    }

    // Whoever asks chooses the type, and an upstream may ignore it: what looks like JSON is held to JSON.
    private static bool MayBeJson(RequestHead head, ReadOnlySpan<byte> body) =>
        body.TrimStart(" \t\r\n"u8) is [(byte)'{' or (byte)'[', ..]
        || (body.Length > 0 && MediaType.IsJson(head.Value(FieldId.ContentType)));

    // Of a tool its name and the bytes of its arguments, and nothing else of the message (DESIGN 4.2): what a client
    // counts, and what it says of itself, may differ when it comes back. The function stands for the path.
    private static string DigestOf(CallContext call)
    {
        bool isTool = call.IsToolCall;
        return CallDigest.Compute(new CallParts
        {
            Caller = call.Caller!,
            FunctionId = call.Function!.Id,
            Method = isTool ? "tools/call" : call.Function.Method,
            Target = isTool ? call.Tool!.Name : call.Request.Target,
            Headers = BindingOf(call),
            ContentType = isTool ? default : call.Request.Value(FieldId.ContentType),
            Body = new ReadOnlySequence<byte>(ArgumentsOf(call)),
        });
    }

    // What approvers are shown.
    private static ReadOnlyMemory<byte> ArgumentsOf(CallContext call) =>
        call.IsToolCall ? call.Tool!.ArgumentsIn(call.BodyPrefix) : call.BodyPrefix.WrittenMemory;

    // The digest holds one value of each field. A second one would reach the upstream without anybody's approval, and
    // one that Connection names would be approved without reaching it.
    private static bool BindsOnce(CallContext call)
    {
        foreach (ref readonly FieldSlice field in call.Request.Fields)
        {
            if (!Binds(call, field)) continue;
            bool isFirst = call.Request.TryFind(call.Request.Name(field), out FieldSlice first) && first == field;
            if (!isFirst || field.IsConnectionOption) return false;
        }

        return true;
    }

    // A credential binds the call and is kept nowhere, so that nobody can make the call later but who has it.
    private static bool WaitsForCredential(CallContext call) =>
        call.Run is null && PreferField.RespondsAsync(call.Request) && BindingOf(call).Any(
            header => header.Value is not null && CredentialFields.Has(header.Name));

    private static BindingHeader[] BindingOf(CallContext call)
    {
        IReadOnlyList<string> names = call.Function!.BindingHeaders;
        BindingHeader[] headers = new BindingHeader[names.Count];
        for (int index = 0; index < headers.Length; index++)
        {
            bool isThere = call.Request.TryFind(Encoding.ASCII.GetBytes(names[index]), out FieldSlice field);
            ReadOnlyMemory<byte>? value = null;

            // Not by ?: of an array and null, which would make an absent one an empty one.
            if (isThere) value = call.Request.Value(field).ToArray();
            headers[index] = new(names[index], value);
        }

        return headers;
    }

    private static bool Binds(CallContext call, in FieldSlice field)
    {
        if (field.Id == FieldId.ContentType) return true;
        foreach (string name in call.Function!.BindingHeaders)
        {
            if (Ascii.EqualsIgnoreCase(call.Request.Name(field), name)) return true;
        }

        return false;
    }
}
