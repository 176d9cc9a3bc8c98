using System.Buffers;
using System.Text;
using Countersign.DataPlane.Http;
using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// A call that waits to be made without its caller: who asked, as they were identified then, and the head of what is to
/// be made. The body waits beside it. Nothing that proves the caller to anybody is in it.
/// </summary>
/// <param name="Caller">Who asked.</param>
/// <param name="Address">The client's address, as ASCII.</param>
/// <param name="IsTls">The client came over TLS.</param>
/// <param name="Head">Request line and fields, with an empty line.</param>
internal sealed record SealedRun(Caller Caller, byte[] Address, bool IsTls, byte[] Head)
{
    private const byte Form = 3;

    /// <summary>With the message of a tool's call behind: what waits beside it is its arguments alone.</summary>
    private const byte FormOfTool = 4;

    // The same without what the caller was proven by, as gateways before wrote them.
    private const byte FormerForm = 1;
    private const byte FormerFormOfTool = 2;

    /// <summary>The body, where it does not wait beside; null where it does.</summary>
    internal byte[]? Message { get; private init; }

    /// <summary>What it is sealed for: whichever approval is joined, it is the same call.</summary>
    internal static string SealName(string digest) => "run:" + digest;

    /// <summary>The bytes to seal for a call that was read whole.</summary>
    internal static byte[] Write(CallContext call)
    {
        using MemoryStream bytes = new();
        using BinaryWriter writer = new(bytes, Encoding.UTF8);
        Caller caller = call.Caller!;
        writer.Write(call.IsToolCall ? FormOfTool : Form);
        writer.Write(caller.Issuer);
        writer.Write(caller.Subject);
        writer.Write((byte)caller.Kind);
        WriteList(writer, caller.Groups);
        WriteList(writer, caller.Chain);
        writer.Write(caller.Tenant);
        writer.Write(caller.IsDelegated);
        writer.Write(caller.Actor);
        writer.Write(caller.IssuedAt);
        WriteList(writer, caller.ProofMarks);
        writer.Write(caller.ProvenAt);
        writer.Write(call.Client.IsTls);
        WriteBytes(writer, call.Client.RemoteAddress.Span);
        WriteBytes(writer, HeadOf(call));
        if (call.IsToolCall) WriteBytes(writer, call.BodyPrefix.Written);
        writer.Flush();
        return bytes.ToArray();
    }

    /// <summary>Reads what was sealed; null for anything else.</summary>
    internal static SealedRun? Read(byte[] opened)
    {
        try
        {
            using BinaryReader reader = new(new MemoryStream(opened), Encoding.UTF8);
            byte form = reader.ReadByte();
            if (form is not (Form or FormOfTool or FormerForm or FormerFormOfTool)) return null;
            string issuer = reader.ReadString(), subject = reader.ReadString();
            CallerKind kind = (CallerKind)reader.ReadByte();
            List<string> groups = ReadList(reader), chain = ReadList(reader);
            Caller caller = new(issuer, subject, kind, groups, chain, reader.ReadString())
            {
                IsDelegated = reader.ReadBoolean(),
                Actor = reader.ReadString(),
                IssuedAt = reader.ReadInt64(),
            };
            if (form is Form or FormOfTool) caller = caller.ProvenBy(ReadList(reader), reader.ReadInt64());
            bool isTls = reader.ReadBoolean();
            return new(caller, reader.ReadBytes(reader.ReadInt32()), isTls, reader.ReadBytes(reader.ReadInt32()))
            {
                Message = form is FormOfTool or FormerFormOfTool ? reader.ReadBytes(reader.ReadInt32()) : null,
            };
        }
        catch (Exception fault) when (fault is EndOfStreamException or IOException or ArgumentException)
        {
            return null;
        }
    }

    // As it came, but for what ends at this hop, what would act as the caller, and the preference that is being met.
    private static ReadOnlySpan<byte> HeadOf(CallContext call)
    {
        ArrayBufferWriter<byte> head = new(1_024);
        RequestHead request = call.Request;
        WireText.Put(head, request.Method);
        WireText.Put(head, " "u8);
        WireText.Put(head, request.Target);
        WireText.Put(head, " HTTP/1.1\r\n"u8);
        foreach (ref readonly FieldSlice field in request.Fields)
        {
            if (Passes(field)) WireText.PutField(head, request.Name(field), request.Value(field));
        }

        if (request.Framing != BodyFraming.None) WireText.PutField(head, "Content-Length"u8, call.BodyPrefix.Count);
        WireText.Put(head, "\r\n"u8);
        return head.WrittenSpan;
    }

    private static bool Passes(in FieldSlice field) => !field.IsConnectionOption && !FieldIds.IsHopByHop(field.Id)
        && field.Id is not (FieldId.ContentLength or FieldId.Expect or FieldId.Prefer or FieldId.Authorization
            or FieldId.Cookie or FieldId.DPoP or FieldId.CountersignApproval or FieldId.CountersignOther
            or FieldId.Forwarded or FieldId.XForwarded or FieldId.XForwardedFor or FieldId.XForwardedHost
            or FieldId.XForwardedProto);

    private static void WriteBytes(BinaryWriter writer, ReadOnlySpan<byte> bytes)
    {
        writer.Write(bytes.Length);
        writer.Write(bytes);
    }

    private static void WriteList(BinaryWriter writer, IReadOnlyList<string> items)
    {
        writer.Write(items.Count);
        foreach (string item in items) writer.Write(item);
    }

    private static List<string> ReadList(BinaryReader reader)
    {
        List<string> items = [];
        for (int left = reader.ReadInt32(); left > 0; left--) items.Add(reader.ReadString());
        return items;
    }
}
