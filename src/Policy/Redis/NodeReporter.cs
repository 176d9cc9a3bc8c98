using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Countersign.Policy.Redis;

/// <summary>Keeps this node's report fresh: every two seconds, and at once when it is asked to.</summary>
public sealed partial class NodeReporter : IAsyncDisposable
{
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(2);

    private readonly RedisNodeStore _nodes;
    private readonly Func<NodeReport> _read;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;

    // One waiting knock is as good as many.
    private readonly Channel<bool> _knocks = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private ITimer? _timer;
    private Task _running = Task.CompletedTask;
    private int _liveNodes = 1;
    private string _instance = "";

    /// <summary>Makes a reporter that does not run yet.</summary>
    /// <param name="nodes">Where reports go.</param>
    /// <param name="read">This node's report of now; called on the reporter's own task.</param>
    /// <param name="clock">Times the reports.</param>
    /// <param name="logger">Where failures are told.</param>
    public NodeReporter(RedisNodeStore nodes, Func<NodeReport> read, TimeProvider clock, ILogger logger)
    {
        _nodes = nodes;
        _read = read;
        _clock = clock;
        _logger = logger;
    }

    /// <summary>Nodes that were alive when this one last reported; at least 1, which is this one.</summary>
    public int LiveNodes => Volatile.Read(ref _liveNodes);

    /// <summary>Begins to report. Call it once.</summary>
    public void Start()
    {
        if (_timer is not null) throw new InvalidOperationException("The reporter runs already.");
        _timer = _clock.CreateTimer(_ => Knock(), null, TimeSpan.Zero, ReportEvery);
        _running = Task.Run(RunAsync);
    }

    /// <summary>Reports as soon as it can.</summary>
    public void Knock() => _knocks.Writer.TryWrite(true);

    /// <summary>Stops, and takes the node out of the fleet.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_timer is not null) await _timer.DisposeAsync();
        _knocks.Writer.TryComplete();
        await _running;
        if (_instance.Length > 0) await _nodes.LeaveAsync(_instance);
    }

    private async Task RunAsync()
    {
        await foreach (bool _ in _knocks.Reader.ReadAllAsync())
        {
            try
            {
                NodeReport report = _read();
                if (await _nodes.ReportAsync(report) is not { } live) continue;
                _instance = report.Instance;
                Volatile.Write(ref _liveNodes, Math.Max(1, live));
            }
            catch (Exception fault)
            {
                // A bug here must not keep the node silent for ever.
                ReportFailed(_logger, fault);
            }
        }
    }

    [LoggerMessage(EventId = 40, Level = LogLevel.Error, Message = "The node could not report itself")]
    private static partial void ReportFailed(ILogger logger, Exception fault);
}
