using System.Globalization;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Countersign.Audit;
using Countersign.DataPlane.Http;
using Countersign.DataPlane.Sockets;
using Countersign.DataPlane.Upstream;
using Countersign.Identity.Outbound;
using Countersign.Masking.Content;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// Everything one call carries from stage to stage. Owned by its connection and reset before each call, since HTTP/1.1
/// answers in order.
/// </summary>
internal sealed class CallContext : IDisposable
{
    private IdBytes _idText;
    private HashBytes _digestBytes;
    private HashBytes _responseDigest;
    private Sha256State? _responseHash;
    private bool _hasResponseDigest;
    private volatile bool _isLast;
    private volatile bool _isDrainOver;

    internal CallContext(ClientSide client, TimeProvider clock)
    {
        Client = client;
        ClientDeadline = new Deadline(clock);
        RequestPace = new ReadPace(ClientDeadline, clock);
        AnswerPace = new WritePace(ClientDeadline, clock);
        RequestBody = new BodyReader(client.Input, ClientDeadline);
    }

    /// <summary>The client's pipes.</summary>
    internal ClientSide Client { get; }

    /// <summary>How long the client may keep us waiting.</summary>
    internal Deadline ClientDeadline { get; }

    /// <summary>How fast the request must come.</summary>
    internal ReadPace RequestPace { get; }

    /// <summary>How fast the answer must be taken.</summary>
    internal WritePace AnswerPace { get; }

    /// <summary>What the call takes up while it is in flight.</summary>
    internal AdmissionTicket Ticket { get; } = new();

    /// <summary>The cells of limits that the call has taken.</summary>
    internal RateTicket Rates { get; } = new();

    /// <summary>The request's head.</summary>
    internal RequestHead Request { get; } = new();

    /// <summary>The request's body, as far as it was not buffered.</summary>
    internal BodyReader RequestBody { get; }

    /// <summary>The request on its way to the upstream.</summary>
    internal RequestUpload Upload { get; } = new();

    /// <summary>The body's first bytes, or all of it, where policy had to see them.</summary>
    internal LeasedBuffer BodyPrefix { get; } = new();

    /// <summary>Which call the lent credential is good for, as others may ask beside it.</summary>
    internal LentCall Lent { get; } = new();

    /// <summary>The lent credential, ready to be written as its header's value.</summary>
    internal LeasedBuffer Credential { get; } = new();

    /// <summary>What of the credential must not be in the answer; empty where none was lent.</summary>
    internal SecretFilter Secrets { get; } = new();

    /// <summary>The masked answer while it is held back.</summary>
    internal LeasedBuffer Reply { get; } = new();

    /// <summary>What a broker lent for this call; null where nothing has to be given back or signed with.</summary>
    internal LentSecret? Secret { get; set; }

    /// <summary>Where the call stands.</summary>
    internal Verdict Verdict { get; set; }

    /// <summary>True while no stage has ended the call.</summary>
    internal bool Proceeds => Verdict == Verdict.Proceed;

    /// <summary>True if policy has no pause for a call that names an approval, but a refusal.</summary>
    internal bool IsRefusedByPolicy =>
        Verdict is Verdict.Denied or Verdict.DutyConflict or Verdict.UnknownFunction
        && Caller is not null && Run is null && ApprovalDesk.NamesApproval(this);

    /// <summary>The call's UUIDv7.</summary>
    internal Guid Id { get; private set; }

    /// <summary>The call's id as 36 ASCII characters.</summary>
    internal ReadOnlySpan<byte> IdText => _idText;

    /// <summary>When the head was whole, as a timestamp of the clock.</summary>
    internal long StartedAt { get; private set; }

    /// <summary>When the head was whole.</summary>
    internal DateTimeOffset Started { get; private set; }

    /// <summary>The room reserved in the audit log.</summary>
    internal AuditReservation AuditSlot { get; set; }

    /// <summary>True while <see cref="AuditSlot"/> is held.</summary>
    internal bool HasAuditSlot { get; set; }

    /// <summary>True once the intent is in the log.</summary>
    internal bool IsIntended { get; set; }

    /// <summary>Who calls.</summary>
    internal Caller? Caller { get; set; }

    /// <summary>The snapshot the whole call is decided under.</summary>
    internal PolicySnapshot? Policy { get; set; }

    /// <summary>What is called.</summary>
    internal Function? Function { get; set; }

    /// <summary>The tool that is called, where one is; null until a call of the connection calls one.</summary>
    internal ToolCall? Tool { get; set; }

    /// <summary>True if what is called is an MCP tool.</summary>
    internal bool IsToolCall => Tool is { IsSet: true };

    /// <summary>What policy says.</summary>
    internal Decision? Decision { get; set; }

    /// <summary>What dynamic separations keep apart from what the call does.</summary>
    internal IReadOnlyList<Duty> Duties { get; set; } = [];

    /// <summary>The approval the call waits for, joined or claimed.</summary>
    internal Approval? Approval { get; set; }

    /// <summary>What the call waits for while it is held open; null while it is not.</summary>
    internal ApprovalWait? Wait { get; set; }

    /// <summary>The approval whose call this is, made without its caller; null for a caller's own.</summary>
    internal Approval? Run { get; private set; }

    /// <summary>Gathers the answer for a caller who will come back for it; null where nobody will.</summary>
    internal OutcomeCapture? Outcome { get; set; }

    /// <summary>The receipt of the call's intent, where the caller gets one.</summary>
    internal LeasedBuffer Receipt { get; } = new();

    /// <summary>Gathers payload and answer for the audit; null where it keeps neither.</summary>
    internal CallCopies? Copies { get; set; }

    /// <summary>What an earlier call like this one was answered; null where it was not.</summary>
    internal CallOutcome? Replayed { get; set; }

    /// <summary>True from the claim until it is settled.</summary>
    internal bool IsClaimed { get; set; }

    /// <summary>The call's digest where it was paused; empty otherwise.</summary>
    internal string Digest { get; set; } = "";

    /// <summary>The digest's 32 bytes.</summary>
    internal ReadOnlySpan<byte> DigestBytes
    {
        get
        {
            Convert.FromHexString(Digest.AsSpan(CallDigest.Prefix.Length), _digestBytes, out _, out _);
            return _digestBytes;
        }
    }

    /// <summary>The id of the credential that was lent, or null; the credential itself is never written down.</summary>
    internal string? CredentialId { get; set; }

    /// <summary>The upstream connection in use.</summary>
    internal UpstreamConnection? Upstream { get; set; }

    /// <summary>True once a byte may have reached the upstream.</summary>
    internal bool ReachedUpstream { get; set; }

    /// <summary>True once the head of an answer was written to the client.</summary>
    internal bool ReplyStarted { get; set; }

    /// <summary>True once 100 was sent for <c>Expect</c>.</summary>
    internal bool ContinueSent { get; set; }

    /// <summary>
    /// True if an answer was begun and did not end well: the connection must be reset, never closed in order.
    /// </summary>
    internal bool EndsBroken => Verdict == Verdict.Fault || (ReplyStarted && !ReplyEnded);

    /// <summary>True once the last byte of the answer was handed to the transport.</summary>
    internal bool ReplyEnded { get; set; }

    /// <summary>True once the client did not take what was written, or not in time.</summary>
    internal bool IsClientGone { get; set; }

    /// <summary>True if the connection may carry another call.</summary>
    internal bool KeepAlive { get; set; }

    /// <summary>Makes the call that no other has followed yet the connection's last; called by the drain, beside the
    /// call.</summary>
    internal void MakeLast() => _isLast = true;

    /// <summary>True once the drain's time is up; said beside the call.</summary>
    internal bool IsDrainOver { get => _isDrainOver; set => _isDrainOver = value; }

    /// <summary>
    /// Settles <see cref="KeepAlive"/> for the head that is about to be written: what the client is told is what
    /// happens, whenever the drain begins. Requests that are here already are served before the connection ends.
    /// </summary>
    internal bool DecideKeepAlive()
    {
        if (_isLast && !HasNextRequest()) KeepAlive = false;
        return KeepAlive;
    }

    // While a body is still to come, what follows it cannot be told from it.
    private bool HasNextRequest()
    {
        if (!RequestBody.IsWhole) return false;
        RequestBody.Release();
        if (!Client.Input.TryRead(out ReadResult result)) return false;
        Client.Input.AdvanceTo(result.Buffer.Start);
        return !result.Buffer.IsEmpty;
    }

    /// <summary>The status the client got; 0 for none.</summary>
    internal int Status { get; set; }

    /// <summary>The status the upstream gave; 0 for none.</summary>
    internal int UpstreamStatus { get; set; }

    /// <summary>Bytes of answer body written to the client.</summary>
    internal long ResponseBytes { get; set; }

    /// <summary>SHA-256 of the answer's body as the client got it; empty where there was none.</summary>
    internal ReadOnlySpan<byte> ResponseDigest =>
        ((ReadOnlySpan<byte>)_responseDigest)[..(_hasResponseDigest ? SHA256.HashSizeInBytes : 0)];

    /// <summary>Values masked in the answer; -1 where no mask applied.</summary>
    internal int MaskedCount { get; set; }

    /// <summary>The masks on the answer; null where none applies, or none has been asked for yet.</summary>
    internal MaskPlan? Masks { get; set; }

    /// <summary>Fields of the answer's head that are masked.</summary>
    internal int MaskedHeaders { get; set; }

    /// <summary>True if the answer leaves decoded, so that its Content-Encoding does not.</summary>
    internal bool DropsEncoding { get; set; }

    /// <summary>What a refusal says in <c>detail</c>; constant text, never data of the call.</summary>
    internal string Detail { get; set; } = "";

    /// <summary>The parameters of a challenge for a proof of a key (RFC 9449), and fields behind it; empty for the
    /// usual one, of bearer tokens.</summary>
    internal string Challenge { get; set; } = "";

    /// <summary>What the audit says beyond the verdict; never shown to the caller.</summary>
    internal string AuditDetail { get; set; } = "";

    /// <summary>Starts a call whose head has been loaded and parsed with this outcome.</summary>
    [HotPath]
    internal void Begin(Verdict headVerdict, TimeProvider clock)
    {
        Started = clock.GetUtcNow();
        StartedAt = clock.GetTimestamp();
        Id = ChanceBytes.NewId(Started);
        Id.TryFormat(_idText, out _, "D");
        Verdict = headVerdict;
        // RFC 9112 section 9.3: close wins, whatever else is said.
        KeepAlive = Proceeds && !Request.ConnectionClose
            && (Request.MinorVersion == 1 || Request.ConnectionKeepAlive);
    }

    /// <summary>Makes the call of an approval for whoever asked for it, who is not here.</summary>
    internal void RunAs(Caller caller, Approval approval)
    {
        Caller = caller;
        Run = approval;
    }

    /// <summary>Counts and hashes a run of the answer's body.</summary>
    [HotPath]
    internal void CountReply(ReadOnlySpan<byte> body)
    {
        ResponseBytes += body.Length;
        Outcome?.Append(body);
        _responseHash ??= DigestStack.Rent();
        _responseHash.Append(body);
    }

    /// <summary>Ends the answer's digest.</summary>
    [HotPath]
    internal void EndReplyDigest()
    {
        _hasResponseDigest = ResponseBytes > 0;
        if (_responseHash is not { } hash) return;
        hash.Finish(_responseDigest);
        DigestStack.Return(hash);
        _responseHash = null;
    }

    /// <summary>The call's id as text, for paths where a call has paused anyway.</summary>
    internal string IdString() => Id.ToString("D", CultureInfo.InvariantCulture);

    /// <summary>Keeps what a held call will be made of in no more memory than it needs.</summary>
    internal void Shrink()
    {
        if (!NeedsToken()) Request.CutValues(FieldId.Authorization);
        Request.Shrink();
        BodyPrefix.Shrink();
        Tool?.Shrink();
        (Client.Input as EpollReader)?.Rest();
    }

    // Who calls is known. Their token is asked for again only where it is exchanged, or is part of what is approved.
    private bool NeedsToken() => Function!.Upstream.Credential.ExchangesCaller
        || Function.BindingHeaders.Contains("authorization", StringComparer.OrdinalIgnoreCase);

    /// <summary>Gives back what the call held: credential, buffers and the upstream connection.</summary>
    internal void ReturnLeases()
    {
        if (!ReachedUpstream) Rates.GiveBack();
        Lent.End();
        Upstream?.Release();
        Upstream = null;
        Secrets.Clear();
        Credential.Return();
        Secret?.GiveBack?.Invoke();
        Secret?.Dispose();
        Secret = null;
        BodyPrefix.Return();
        Tool?.Return();
        Reply.Return();
        Receipt.Return();
        Ticket.Return();
        ClientDeadline.Disarm();
    }

    /// <summary>
    /// Cancels what waits for the upstream beyond its deadline; called by the heartbeat, beside the call.
    /// </summary>
    internal void TickUpstream(long now)
    {
        UpstreamConnection? upstream = Upstream;
        if (upstream is not null && upstream.Deadline.Passes(now)) upstream.Cancel();
    }

    /// <summary>Lets a held call answer now; called by the drain, beside the call.</summary>
    internal void EndWait() => Wait?.End();

    /// <summary>Ends the context with its connection.</summary>
    public void Dispose()
    {
        Request.Return();
        _responseHash?.Dispose();
    }

    /// <summary>Forgets the call, so that nothing of it is seen by the next one.</summary>
    internal void Reset()
    {
        RequestBody.Release();
        RequestBody.Forget();
        Request.Clear();

        // An answer that left no record was hashed all the same; its bytes must not be part of the next digest.
        if (ResponseBytes > 0 && !_hasResponseDigest) EndReplyDigest();
        Verdict = Verdict.Undecided;
        Rates.Clear();
        AuditSlot = default;
        HasAuditSlot =
            IsIntended = IsClaimed = ReachedUpstream = ReplyStarted = ReplyEnded = ContinueSent = KeepAlive = false;
        IsClientGone = false;
        Caller = null;
        Policy = null;
        Function = null;
        Decision = null;
        Duties = [];
        Approval = Run = null;
        Outcome = null;
        Replayed = null;
        Wait = null;
        Digest = Detail = AuditDetail = Challenge = "";
        CredentialId = null;
        _hasResponseDigest = false;
        Status = UpstreamStatus = 0;
        ResponseBytes = 0;
        MaskedCount = -1;
        Masks = null;
        MaskedHeaders = 0;
        DropsEncoding = false;
    }
}
