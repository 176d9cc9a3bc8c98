using System.Buffers;

namespace Countersign.DataPlane.Http;

/// <summary>One field line as slices of its head's bytes.</summary>
internal readonly record struct FieldSlice(
    FieldId Id, bool IsConnectionOption, int NameStart, int NameBytes, int ValueStart, int ValueBytes);

/// <summary>
/// The bytes of one message head and the slices found in them. Reused from message to message; its buffer is leased
/// while a message is under way and wiped when given back, since heads hold credentials.
/// </summary>
internal abstract class MessageHead
{
    private HeadRoom? _room;
    private byte[]? _bytes;
    private int _fieldCount;

    /// <summary>The fields, in the order received.</summary>
    internal ReadOnlySpan<FieldSlice> Fields => _room is null ? default : _room.Fields.AsSpan(0, _fieldCount);

    /// <summary>The head's length with its empty line.</summary>
    internal int Length { get; private set; }

    /// <summary>How the body that follows is delimited.</summary>
    internal BodyFraming Framing { get; set; }

    /// <summary>The body's length where <see cref="Framing"/> is <see cref="BodyFraming.Length"/>.</summary>
    internal long ContentLength { get; set; }

    /// <summary>True if the sender asked for the connection to end after this message.</summary>
    internal bool ConnectionClose { get; set; }

    /// <summary>True if an HTTP/1.0 sender asked for the connection to stay.</summary>
    internal bool ConnectionKeepAlive { get; set; }

    /// <summary>1 for HTTP/1.1, 0 for HTTP/1.0.</summary>
    internal int MinorVersion { get; set; }

    /// <summary>The bytes of the head.</summary>
    internal ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    /// <summary>The bytes of the head.</summary>
    internal ReadOnlyMemory<byte> BytesMemory => _bytes.AsMemory(0, Length);

    /// <summary>Takes a copy of a whole head.</summary>
    internal void Load(in ReadOnlySequence<byte> head)
    {
        if (_room is { IsFitted: true }) Return();
        Length = (int)head.Length;
        _room ??= HeadRoom.Rent();
        if (_bytes is null || _bytes.Length < Length)
        {
            ReturnLarge();
            _bytes = Length <= HeadRoom.Bytes ? _room.Usual : ArrayPool<byte>.Shared.Rent(Length);
        }

        head.CopyTo(_bytes);
    }

    /// <summary>Forgets the message and wipes its bytes, keeping the lease.</summary>
    internal virtual void Clear()
    {
        _bytes.AsSpan(0, Length).Clear();
        Length = 0;
        _fieldCount = 0;
        Framing = BodyFraming.None;
        ContentLength = 0;
        ConnectionClose = false;
        ConnectionKeepAlive = false;
        MinorVersion = 0;
    }

    /// <summary>Gives the bytes back, wiped, and the room for fields.</summary>
    internal void Return()
    {
        ReturnRoom();
        Length = _fieldCount = 0;
    }

    /// <summary>
    /// Keeps the message in no more memory than it needs, and gives its room back: for one that waits long.
    /// </summary>
    internal void Shrink()
    {
        if (_room is null or { IsFitted: true }) return;
        HeadRoom fitted = HeadRoom.Fit(Bytes, Fields);
        ReturnRoom();
        _room = fitted;
        _bytes = fitted.Usual;
    }

    /// <summary>
    /// Cuts the values of these fields out, and wipes them; their names stay. For what is not needed any more, and
    /// need not wait in memory.
    /// </summary>
    internal void CutValues(FieldId id)
    {
        for (int index = 0; index < _fieldCount; index++)
        {
            FieldSlice cut = _room!.Fields[index];
            if (cut.Id != id) continue;
            int end = cut.ValueStart + cut.ValueBytes;
            _bytes.AsSpan(end, Length - end).CopyTo(_bytes.AsSpan(cut.ValueStart));
            _bytes.AsSpan(Length - cut.ValueBytes, cut.ValueBytes).Clear();
            Length -= cut.ValueBytes;
            _room.Fields[index] = cut with { ValueBytes = 0 };
            foreach (ref FieldSlice field in _room.Fields.AsSpan(0, _fieldCount))
            {
                if (field.NameStart < end) continue;
                field = field with
                {
                    NameStart = field.NameStart - cut.ValueBytes,
                    ValueStart = field.ValueStart - cut.ValueBytes,
                };
            }
        }
    }

    /// <summary>A field's name as received.</summary>
    internal ReadOnlySpan<byte> Name(FieldSlice field) => _bytes.AsSpan(field.NameStart, field.NameBytes);

    /// <summary>A field's value without surrounding whitespace.</summary>
    internal ReadOnlySpan<byte> Value(FieldSlice field) => _bytes.AsSpan(field.ValueStart, field.ValueBytes);

    /// <summary>The value of the first field with this id; empty if there is none.</summary>
    internal ReadOnlySpan<byte> Value(FieldId id) => TryFind(id, out FieldSlice field) ? Value(field) : default;

    /// <summary>The first field with this id.</summary>
    internal bool TryFind(FieldId id, out FieldSlice found)
    {
        foreach (ref readonly FieldSlice field in Fields)
        {
            if (field.Id != id) continue;
            found = field;
            return true;
        }

        found = default;
        return false;
    }

    /// <summary>The first field of this name, compared without regard to case.</summary>
    internal bool TryFind(ReadOnlySpan<byte> name, out FieldSlice found)
    {
        foreach (ref readonly FieldSlice field in Fields)
        {
            if (!System.Text.Ascii.EqualsIgnoreCase(Name(field), name)) continue;
            found = field;
            return true;
        }

        found = default;
        return false;
    }

    /// <summary>How many fields have this id.</summary>
    internal int Count(FieldId id)
    {
        int count = 0;
        foreach (ref readonly FieldSlice field in Fields)
        {
            if (field.Id == id) count++;
        }

        return count;
    }

    /// <summary>Adds a parsed field; false beyond <paramref name="fieldsMax"/>.</summary>
    internal bool TryAdd(in FieldSlice field, int fieldsMax)
    {
        if (_fieldCount >= fieldsMax) return false;
        _room ??= HeadRoom.Rent();
        if (_fieldCount == _room.Fields.Length) _room.GrowFields();
        _room.Fields[_fieldCount++] = field;
        return true;
    }

    /// <summary>Marks every field that Connection names as ending here.</summary>
    internal void MarkConnectionOption(ReadOnlySpan<byte> option)
    {
        for (int index = 0; index < _fieldCount; index++)
        {
            ref FieldSlice field = ref _room!.Fields[index];
            if (!System.Text.Ascii.EqualsIgnoreCase(Name(field), option)) continue;
            field = field with { IsConnectionOption = true };
        }
    }

    private void ReturnRoom()
    {
        if (_room is not { } room) return;
        _bytes.AsSpan(0, Length).Clear();
        ReturnLarge();
        _bytes = null;
        _room = null;
        room.Return();
    }

    // The room's own bytes stay with it; only what was too large for them is the pool's.
    private void ReturnLarge()
    {
        if (_bytes is not null && _bytes != _room?.Usual) ArrayPool<byte>.Shared.Return(_bytes);
    }
}

/// <summary>A request's head.</summary>
internal sealed class RequestHead : MessageHead
{
    private int _methodBytes;
    private int _targetStart;
    private int _targetBytes;
    private int _pathBytes;

    /// <summary>The method as sent.</summary>
    internal ReadOnlySpan<byte> Method => Bytes[.._methodBytes];

    /// <summary>Path and query as sent, in origin form.</summary>
    internal ReadOnlySpan<byte> Target => Bytes.Slice(_targetStart, _targetBytes);

    /// <summary>The path as sent.</summary>
    internal ReadOnlySpan<byte> Path => Bytes.Slice(_targetStart, _pathBytes);

    /// <summary>The path as sent.</summary>
    internal ReadOnlyMemory<byte> PathMemory => BytesMemory.Slice(_targetStart, _pathBytes);

    /// <summary>The query as sent, without its question mark; empty if there is none.</summary>
    internal ReadOnlyMemory<byte> QueryMemory => _pathBytes == _targetBytes
        ? default : BytesMemory.Slice(_targetStart + _pathBytes + 1, _targetBytes - _pathBytes - 1);

    /// <summary>The field lines, from after the request line to the end of the head.</summary>
    internal ReadOnlyMemory<byte> FieldLines => BytesMemory[(Bytes.IndexOf("\r\n"u8) + 2)..];

    /// <summary>True for HEAD, whose answer has no body.</summary>
    internal bool IsHead { get; private set; }

    /// <summary>
    /// True for <c>OPTIONS *</c>, in either form, which asks about the server and not about a resource.
    /// </summary>
    internal bool IsServerWide { get; set; }

    /// <summary>How often an OPTIONS request may still be forwarded; -1 where it does not say.</summary>
    internal int MaxForwards { get; set; } = -1;

    /// <summary>True if the client understands trailers (RFC 9110 section 10.1.4).</summary>
    internal bool AcceptsTrailers { get; set; }

    /// <summary>True if the client waits for 100 before it sends the body.</summary>
    internal bool ExpectsContinue { get; set; }

    /// <inheritdoc/>
    internal override void Clear()
    {
        base.Clear();
        _methodBytes = _targetStart = _targetBytes = _pathBytes = 0;
        IsHead = IsServerWide = AcceptsTrailers = ExpectsContinue = false;
        MaxForwards = -1;
    }

    /// <summary>Notes where the request line's parts are.</summary>
    internal void SetLine(int methodBytes, int targetStart, int targetBytes)
    {
        _methodBytes = methodBytes;
        _targetStart = targetStart;
        _targetBytes = targetBytes;
        int query = Target.IndexOf((byte)'?');
        _pathBytes = query < 0 ? targetBytes : query;
        IsHead = Method.SequenceEqual("HEAD"u8);
    }
}

/// <summary>A response's head.</summary>
internal sealed class ResponseHead : MessageHead
{
    private int _reasonStart;
    private int _reasonBytes;

    /// <summary>The status code, 100 to 599.</summary>
    internal int Status { get; set; }

    /// <summary>The reason phrase as received; may be empty.</summary>
    internal ReadOnlySpan<byte> Reason => Bytes.Slice(_reasonStart, _reasonBytes);

    /// <inheritdoc/>
    internal override void Clear()
    {
        base.Clear();
        Status = _reasonStart = _reasonBytes = 0;
    }

    /// <summary>Notes where the reason phrase is.</summary>
    internal void SetReason(int start, int length)
    {
        _reasonStart = start;
        _reasonBytes = length;
    }
}
