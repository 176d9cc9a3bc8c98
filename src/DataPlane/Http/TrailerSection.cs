using System.Buffers;

namespace Countersign.DataPlane.Http;

/// <summary>
/// The fields after a chunked body (RFC 9112 section 7.1.2). They are kept apart from the head's: nothing here frames,
/// routes, authenticates or describes the message.
/// </summary>
internal sealed class TrailerSection : MessageHead
{
    // Trailers are few: a digest, a signature, a status.
    private const int FieldsMax = 32;

    // Those of RFC 9110 that no part of the gateway has an id for.
    private static readonly byte[][] Refused =
    [
        [.. "age"u8], [.. "allow"u8], [.. "cache-control"u8], [.. "expires"u8], [.. "if-modified-since"u8],
        [.. "if-unmodified-since"u8], [.. "location"u8], [.. "pragma"u8], [.. "retry-after"u8], [.. "set-cookie"u8],
        [.. "vary"u8], [.. "warning"u8], [.. "www-authenticate"u8], [.. "proxy-authentication-info"u8],
        [.. "http2-settings"u8], [.. "strict-transport-security"u8], [.. "access-control-allow-origin"u8],
        [.. "x-http-method-override"u8], [.. "x-real-ip"u8],
    ];

    /// <summary>
    /// Parses the section with its empty line. False where a recipient that merges it into the head would read another
    /// message: another length, another coding, another host.
    /// </summary>
    internal bool TryParse(in ReadOnlySequence<byte> section)
    {
        Clear();
        Load(section);
        if (FieldParser.ParseFields(this, 0, FieldsMax) != HttpFault.None) return false;
        foreach (ref readonly FieldSlice field in Fields)
        {
            if (field.Id is FieldId.ContentLength or FieldId.TransferEncoding or FieldId.Host) return false;
        }

        return true;
    }

    /// <summary>Wipes the section and gives its bytes back.</summary>
    internal void Forget()
    {
        Clear();
        Return();
    }

    /// <summary>
    /// True if a trailer may go on (RFC 9110 section 6.5.1): what frames, routes, authenticates, modifies the request,
    /// controls the answer or tells how to read the body may not, nor may the gateway's own names.
    /// </summary>
    internal static bool MayPass(FieldId id, ReadOnlySpan<byte> name)
    {
        // Whatever has an id is something that somebody acts on in a head; digests are what trailers are made for.
        if (id != FieldId.Other) return id == FieldId.BodyDigest;
        foreach (byte[] refused in Refused)
        {
            if (System.Text.Ascii.EqualsIgnoreCase(name, refused)) return false;
        }

        return name.Length < 8 || !System.Text.Ascii.EqualsIgnoreCase(name[..8], "content-"u8);
    }

    /// <summary>Writes those that may go on, as they stand before the empty line that ends the body.</summary>
    internal void WriteTo(IBufferWriter<byte> output)
    {
        foreach (ref readonly FieldSlice field in Fields)
        {
            ReadOnlySpan<byte> name = Name(field);
            if (MayPass(field.Id, name)) WireText.PutField(output, name, Value(field));
        }
    }

    /// <summary>
    /// Writes the Trailer field for what a head announces and may go on; nothing where there is none.
    /// </summary>
    internal static void WriteAnnouncement(IBufferWriter<byte> output, MessageHead head)
    {
        bool isFirst = true;
        foreach (ref readonly FieldSlice field in head.Fields)
        {
            if (field.Id != FieldId.Trailer) continue;
            ReadOnlySpan<byte> list = head.Value(field);
            foreach (Range range in list.Split((byte)','))
            {
                ReadOnlySpan<byte> name = list[range].Trim(" \t"u8);
                bool isSound = !name.IsEmpty && HttpChars.All(name, HttpChars.Token);
                if (!isSound || !MayPass(FieldIds.Of(name), name)) continue;
                WireText.Put(output, isFirst ? "Trailer: "u8 : ", "u8);
                WireText.Put(output, name);
                isFirst = false;
            }
        }

        if (!isFirst) WireText.Put(output, "\r\n"u8);
    }
}
