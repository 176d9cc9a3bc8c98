using System.Numerics;
using System.Runtime.InteropServices;

namespace Countersign.Audit;

/// <summary>
/// A bounded queue for many producers and many consumers without locks or allocation: every cell carries the turn it is
/// in (Vyukov's bounded MPMC queue). It has more cells than there are records, so it is never truly full.
/// </summary>
internal sealed class RecordRing
{
    private readonly Cell[] _cells;
    private readonly int _mask;
    private Cursor _tail;
    private Cursor _head;

    internal RecordRing(int recordsMax)
    {
        int cells = (int)BitOperations.RoundUpToPowerOf2((uint)recordsMax * 2);
        _cells = new Cell[cells];
        _mask = cells - 1;
        for (int index = 0; index < cells; index++) _cells[index].Turn = index;
    }

    /// <summary>Records inside; exact only while nobody moves.</summary>
    internal long Count => Math.Max(0, Volatile.Read(ref _tail.Position) - Volatile.Read(ref _head.Position));

    [HotPath]
    internal void Enqueue(AuditRecord record)
    {
        SpinWait wait = default;
        for (; ; )
        {
            long position = Volatile.Read(ref _tail.Position);
            ref Cell cell = ref _cells[position & _mask];
            long turn = Volatile.Read(ref cell.Turn);
            if (turn == position && Interlocked.CompareExchange(ref _tail.Position, position + 1, position) == position)
            {
                cell.Record = record;
                Volatile.Write(ref cell.Turn, position + 1);
                return;
            }

            // Only a consumer that was suspended a whole lap ago can hold this cell.
            if (turn < position) wait.SpinOnce();
        }
    }

    [HotPath]
    internal bool TryDequeue(out AuditRecord record)
    {
        for (; ; )
        {
            long position = Volatile.Read(ref _head.Position);
            ref Cell cell = ref _cells[position & _mask];
            long turn = Volatile.Read(ref cell.Turn);
            if (turn == position + 1)
            {
                if (Interlocked.CompareExchange(ref _head.Position, position + 1, position) != position) continue;
                record = cell.Record!;
                cell.Record = null;
                Volatile.Write(ref cell.Turn, position + _mask + 1);
                return true;
            }

            if (turn > position + 1) continue;
            record = null!;
            return false;
        }
    }

    private struct Cell
    {
        internal long Turn;
        internal AuditRecord? Record;
    }

    // Each end on its own cache lines: producers and the writer would otherwise take turns owning one.
    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Cursor
    {
        [FieldOffset(64)]
        internal long Position;
    }
}
