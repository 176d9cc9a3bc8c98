using System.Text;
using Countersign.DataPlane.Tests.Calls;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Transport;

/// <summary>
/// Bodies without end against a side that stops: what the gateway has taken and not passed on is bounded by its windows
/// and the pipes' own.
/// </summary>
public sealed class BackPressureTests
{
    // The two pipes hold 64 KiB each before they push back; the gateway flushes by 32 KiB and masks by 64 KiB, and
    // a write may be cut anywhere. Far below what is on offer.
    private const int HeldBytesMax = 6 * 65_536;
    private const int Pieces = 4_096;
    private const int PieceBytes = 4_096;

    [Theory]
    [InlineData("/raw/1", "application/octet-stream", 'x')]
    [InlineData("/people/1", "application/x-ndjson", ' ')]
    [InlineData("/people/1", "application/json", ' ')]
    public async Task A_reader_that_stops_stops_an_endless_upstream(string target, string type, char content)
    {
        // Proves that the upstream is not read on, passed as is or masked, while the client takes nothing; and that
        // it is, once the client does.
        await using MemoryGateway gateway = new(Policies.Standard);
        Sender sender = new();
        string head = $"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\n\r\n{{}}";
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            await session.WriteAsync(head);
            await sender.SendAsync(session.WriteAsync, new string(content, PieceBytes));
            session.Close();
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, target));
        await sender.StopsAsync();
        Assert.InRange(sender.SentBytes, PieceBytes, HeldBytesMax);
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal(200, answer.Status);
        Assert.True(answer.IsWhole);
        Assert.Equal(Pieces * PieceBytes, sender.SentBytes);
    }

    [Fact]
    public async Task An_upstream_that_stops_stops_an_endless_body()
    {
        // Proves the same upwards: the client's body is not read on while the upstream takes nothing.
        await using MemoryGateway gateway = new(Policies.Standard);
        TaskCompletionSource reads = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session =>
        {
            await reads.Task;
            gateway.Upstream.Note((await session.ReadAsync())!);
            await session.WriteAsync(ScriptedUpstream.Json("{}"));
        };
        MemoryClient client = gateway.Connect();
        Sender sender = new();
        await client.SendAsync(Requests.Head(
            gateway, "POST", "/raw/1", $"Content-Length: {Pieces * PieceBytes}\r\n"));
        Task sending = sender.SendAsync(client.SendAsync, new string('x', PieceBytes));
        await sender.StopsAsync();
        Assert.InRange(sender.SentBytes, PieceBytes, HeldBytesMax);
        reads.SetResult();
        await sending;
        Assert.Equal(200, (await client.ReadAsync())!.Status);
        Assert.Equal(Pieces * PieceBytes, Assert.Single(gateway.Upstream.Requests).Body.Length);
    }

    /// <summary>Offers piece after piece, and knows how many were taken and whether one is waiting.</summary>
    private sealed class Sender
    {
        private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _sent;

        internal long SentBytes => Volatile.Read(ref _sent);

        internal Task StopsAsync() => _stopped.Task.WaitAsync(WireReader.HangGuard);

        internal async Task SendAsync(Func<ReadOnlyMemory<byte>, Task> write, string piece)
        {
            byte[] bytes = Encoding.Latin1.GetBytes(piece);
            for (int count = 0; count < Pieces; count++)
            {
                Task writing = write(bytes);
                if (!writing.IsCompleted)
                {
                    // The pipes run inline: what does not complete at once waits for the other side.
                    _stopped.TrySetResult();
                }

                await writing;
                Interlocked.Add(ref _sent, bytes.Length);
            }
        }
    }
}
