using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Countersign.Policy.Approvals;

/// <summary>How a binding header waits in a payload. Zero is none.</summary>
public enum PayloadHeaderState : byte
{
    /// <summary>Not a header.</summary>
    None = 0,

    /// <summary>The call has no such header, and is bound to that.</summary>
    Absent,

    /// <summary>Its value is there.</summary>
    Kept,

    /// <summary>The call has it; its value is a credential (<see cref="CredentialFields"/>) and was not kept.</summary>
    Credential,
}

/// <summary>A binding header as it waits in a payload.</summary>
/// <param name="Name">In lower case.</param>
/// <param name="State">Whether there is a value.</param>
/// <param name="Value">As sent; empty unless it is kept.</param>
public readonly record struct PayloadHeader(string Name, PayloadHeaderState State, ReadOnlyMemory<byte> Value);

/// <summary>
/// What waits sealed with an approval, since its digest is over it and approvers must see what they sign: the values
/// of the binding headers, and the body. Everything else that the digest covers is in the approval itself.
/// </summary>
/// <param name="Headers">In the function's order.</param>
/// <param name="Body">The exact bytes.</param>
public sealed record CallPayload(IReadOnlyList<PayloadHeader> Headers, ReadOnlyMemory<byte> Body)
{
    private const byte Form = 1;

    /// <summary>What the payload of an approval is sealed for (<see cref="PayloadSeal.Seal"/>).</summary>
    public static string SealName(string id) => "payload:" + id;

    /// <summary>The bytes to seal: a form, the headers with their lengths, and the body to the end.</summary>
    public static byte[] Write(ReadOnlySpan<BindingHeader> headers, ReadOnlySpan<byte> body)
    {
        ArrayBufferWriter<byte> bytes = new(body.Length + 64);
        bytes.Write([Form]);
        WriteCount(bytes, headers.Length);
        foreach (ref readonly BindingHeader header in headers)
        {
            PayloadHeaderState state = header.Value is null ? PayloadHeaderState.Absent
                : CredentialFields.Has(header.Name) ? PayloadHeaderState.Credential
                : PayloadHeaderState.Kept;
            bytes.Write([(byte)state]);
            WritePart(bytes, Encoding.UTF8.GetBytes(header.Name));
            WritePart(bytes, state == PayloadHeaderState.Kept ? header.Value!.Value.Span : default);
        }

        bytes.Write(body);
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Reads what <see cref="Write"/> wrote, without copying; null for anything else.</summary>
    public static CallPayload? Read(ReadOnlyMemory<byte> opened)
    {
        if (opened.IsEmpty || opened.Span[0] != Form) return null;
        ReadOnlyMemory<byte> rest = opened[1..];
        if (!TryCount(ref rest, out int count)) return null;
        List<PayloadHeader> headers = [];
        for (int left = count; left > 0; left--)
        {
            if (rest.IsEmpty) return null;
            PayloadHeaderState state = (PayloadHeaderState)rest.Span[0];
            rest = rest[1..];
            bool isKnown = state is > PayloadHeaderState.None and <= PayloadHeaderState.Credential;
            if (!isKnown || !TryPart(ref rest, out ReadOnlyMemory<byte> name)) return null;
            if (!TryPart(ref rest, out ReadOnlyMemory<byte> value)) return null;
            headers.Add(new PayloadHeader(Encoding.UTF8.GetString(name.Span), state, value));
        }

        return new CallPayload(headers, rest);
    }

    private static void WritePart(ArrayBufferWriter<byte> bytes, ReadOnlySpan<byte> part)
    {
        WriteCount(bytes, part.Length);
        bytes.Write(part);
    }

    private static void WriteCount(ArrayBufferWriter<byte> bytes, int count)
    {
        BinaryPrimitives.WriteInt32BigEndian(bytes.GetSpan(sizeof(int)), count);
        bytes.Advance(sizeof(int));
    }

    private static bool TryPart(ref ReadOnlyMemory<byte> rest, out ReadOnlyMemory<byte> part)
    {
        part = default;
        if (!TryCount(ref rest, out int length) || length > rest.Length) return false;
        part = rest[..length];
        rest = rest[length..];
        return true;
    }

    private static bool TryCount(ref ReadOnlyMemory<byte> rest, out int count)
    {
        count = -1;
        if (rest.Length < sizeof(int)) return false;
        count = BinaryPrimitives.ReadInt32BigEndian(rest.Span);
        rest = rest[sizeof(int)..];
        return count >= 0;
    }
}
