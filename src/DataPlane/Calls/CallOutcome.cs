using System.Buffers;
using System.Text;
using Countersign.DataPlane.Http;

namespace Countersign.DataPlane.Calls;

/// <summary>What a claimed call was answered, as it is kept: status, masked fields, masked body.</summary>
/// <param name="Status">The status the answer had.</param>
/// <param name="Call">The id of the call that was made.</param>
/// <param name="Fields">Names and values, in order, without what delimits a message.</param>
/// <param name="Body">The body; null if it was too large to keep.</param>
/// <param name="BodyBytes">How long the body was.</param>
internal sealed record CallOutcome(
    int Status, string Call, IReadOnlyList<KeyValuePair<string, string>> Fields, byte[]? Body, long BodyBytes)
{
    private const byte Form = 1;

    /// <summary>What it is sealed for: never to be opened as a payload.</summary>
    internal static string SealName(string approval) => "outcome:" + approval;

    /// <summary>The bytes that are sealed.</summary>
    internal byte[] Write()
    {
        using MemoryStream bytes = new();
        using BinaryWriter writer = new(bytes, Encoding.Latin1);
        writer.Write(Form);
        writer.Write(Status);
        writer.Write(Call);
        writer.Write(Fields.Count);
        foreach ((string name, string value) in Fields)
        {
            writer.Write(name);
            writer.Write(value);
        }

        writer.Write(BodyBytes);
        writer.Write(Body is not null);
        if (Body is not null) writer.Write(Body);
        writer.Flush();
        return bytes.ToArray();
    }

    /// <summary>Reads what was sealed; null for anything else.</summary>
    internal static CallOutcome? Read(byte[] opened)
    {
        try
        {
            using BinaryReader reader = new(new MemoryStream(opened), Encoding.Latin1);
            if (reader.ReadByte() != Form) return null;
            int status = reader.ReadInt32();
            string call = reader.ReadString();
            List<KeyValuePair<string, string>> fields = [];
            for (int left = reader.ReadInt32(); left > 0; left--)
                fields.Add(new(reader.ReadString(), reader.ReadString()));
            long bodyBytes = reader.ReadInt64();
            bool hasBody = reader.ReadBoolean();
            return new(status, call, fields, hasBody ? reader.ReadBytes(checked((int)bodyBytes)) : null, bodyBytes);
        }
        catch (Exception fault) when (fault is EndOfStreamException or OverflowException or IOException)
        {
            return null;
        }
    }

    /// <summary>Takes the fields of an answer's head as it was written for the client.</summary>
    internal static List<KeyValuePair<string, string>> FieldsOf(ReadOnlySpan<byte> head)
    {
        List<KeyValuePair<string, string>> fields = [];
        foreach (string line in Encoding.Latin1.GetString(head).Split("\r\n").Skip(1))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0) fields.Add(new(line[..colon], line[(colon + 1)..].Trim(' ')));
        }

        return fields;
    }
}

/// <summary>Gathers an answer's body on its way to the client, up to a bound.</summary>
internal sealed class OutcomeCapture(int bytesMax)
{
    private readonly ArrayBufferWriter<byte> _body = new();
    private bool _isTooLarge;

    /// <summary>Bytes that went by.</summary>
    internal long Bytes { get; private set; }

    /// <summary>The body, or null if it was too large to keep.</summary>
    internal byte[]? Body => _isTooLarge ? null : _body.WrittenSpan.ToArray();

    /// <summary>Takes the next run.</summary>
    internal void Append(ReadOnlySpan<byte> run)
    {
        Bytes += run.Length;
        _isTooLarge |= Bytes > bytesMax;
        if (!_isTooLarge) _body.Write(run);
    }
}
