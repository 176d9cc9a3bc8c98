using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Shipping;

/// <summary>A stream of Redis or Valkey, over a connection of its own: large writes must not hold up approvals.
/// </summary>
internal sealed class RedisDestination(string connection, long lengthMax, ILogger log) : IAuditDestination
{
    private RedisStore? _store;
    private RedisAuditStream? _stream;

    public bool Remembers => true;

    public async ValueTask<ShipOpening> OpenAsync(LogIdentity identity, CancellationToken cancellation)
    {
        _store ??= await RedisStore.ConnectAsync(connection, log);
        _stream ??= new RedisAuditStream(_store, identity.Name, identity.Origin, identity.First, lengthMax);
        AuditStreamAnswer answer = await _stream.OpenAsync();
        return new ShipOpening(StatusOf(answer.Status), answer.Message, answer.Next, answer.Leaf.ToArray());
    }

    public async ValueTask<ShipResult> WriteAsync(ShipBatch batch, CancellationToken cancellation)
    {
        AuditStreamAnswer answer = await _stream!.AppendAsync(
            batch.Follows,
            [.. batch.Entries.Select(entry => new AuditStreamEntry(entry.Index, entry.Leaf, entry.Record))]);
        return new ShipResult(StatusOf(answer.Status), answer.Message);
    }

    public async ValueTask DisposeAsync()
    {
        if (_store is not null) await _store.DisposeAsync();
    }

    private static ShipStatus StatusOf(AuditStreamStatus status) => status switch
    {
        AuditStreamStatus.Taken => ShipStatus.Taken,
        AuditStreamStatus.Full => ShipStatus.Full,
        AuditStreamStatus.Contradicted => ShipStatus.Contradicted,
        AuditStreamStatus.Unsupported or AuditStreamStatus.Refused => ShipStatus.Refused,
        _ => ShipStatus.Away,
    };
}
