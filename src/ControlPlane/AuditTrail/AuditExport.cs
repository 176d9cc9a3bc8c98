using System.Buffers;
using System.Globalization;
using System.Text;
using Countersign.Audit;

namespace Countersign.ControlPlane.AuditTrail;

/// <summary>
/// All records that are asked for, from the oldest on, a JSON object a line, however many they are. Read a piece at a
/// time, so that neither memory nor a place among the searches is held while somebody's connection takes them.
/// </summary>
internal sealed class AuditExport : IDisposable
{
    private const int PieceBytes = 65_536;
    private const int PieceEntriesMax = 8_192;

    private readonly AuditQuery _query;
    private readonly AuditReader _reader;
    private readonly ArrayBufferWriter<byte> _piece = new(PieceBytes);
    private readonly long _before;
    private readonly bool _isCef;

    /// <param name="folder">The log's folder.</param>
    /// <param name="size">The log's size: what is added meanwhile is not exported, nor the end ever ran after.</param>
    /// <param name="query">What is asked for.</param>
    /// <param name="isCef">True for lines of the Common Event Format instead of JSON.</param>
    public AuditExport(string folder, long size, AuditQuery query, bool isCef = false)
    {
        _isCef = isCef;
        _query = query;
        _before = query.To is { } to ? Math.Min(size, AuditTimes.EntryAfter(folder, to)) : size;
        _reader = new AuditReader(folder, query.From is { } from ? AuditTimes.EntryBefore(folder, from) : 0);
    }

    /// <summary>True until everything was read, or the log turned out to be damaged.</summary>
    public bool HasMore { get; private set; } = true;

    /// <summary>True where the log could not be read to the end of what is asked for.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>The next lines, good until the next call; none where none of some thousand entries fits.</summary>
    public ReadOnlyMemory<byte> Read()
    {
        _piece.ResetWrittenCount();
        for (int looked = 0; looked < PieceEntriesMax && _piece.WrittenCount < PieceBytes; looked++)
        {
            AuditReadStatus status = AuditReadStatus.End;
            AuditEntry entry = default;
            if (_reader.Index < _before) status = _reader.Read(out entry);
            if (status != AuditReadStatus.Entry)
            {
                (HasMore, IsDamaged) = (false, status != AuditReadStatus.End);
                break;
            }

            if (entry.Index < _before && _query.Matches(entry.Payload)) Write(entry);
        }

        return _piece.WrittenMemory;
    }

    public void Dispose() => _reader.Dispose();

    // The number first, as in the API and in exports of the command line.
    private void Write(AuditEntry entry)
    {
        if (_isCef)
        {
            Encoding.UTF8.GetBytes(CefText.Of(entry) + "\n", _piece);
            return;
        }

        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"index\":{entry.Index},"), _piece);
        _piece.Write(entry.Payload.Span[1..]);
        _piece.Write("\n"u8);
    }
}
