namespace Countersign.Audit;

/// <summary>Which record of a call.</summary>
public enum CallRecordType : byte
{
    /// <summary>Not stated; writing it throws.</summary>
    None = 0,

    /// <summary>What is about to happen.</summary>
    Intent,

    /// <summary>What came of it.</summary>
    Outcome,
}

/// <summary>
/// One call as the log tells it. Both types carry who and what, so that the outcome of a refused call is whole in
/// itself.
/// Set what is known; empty text, empty lists and negative numbers are left out. Fixed field order, no allocation. Long
/// text is shortened so that a record never passes its limit, and then says <c>"cut":true</c>.
/// </summary>
public ref struct CallRecord
{
    /// <summary>For a record of that type.</summary>
    public CallRecord(CallRecordType type)
    {
        Type = type;
    }

    /// <summary>Intent or outcome.</summary>
    public CallRecordType Type { get; set; }

    /// <summary>The call id (UUIDv7), as in the <c>Countersign-Call</c> header.</summary>
    public Guid Call { get; set; }

    /// <summary>When this record was made.</summary>
    public DateTimeOffset At { get; set; }

    /// <summary>The gateway's name.</summary>
    public string? Gateway { get; set; }

    /// <summary>The caller's issuer.</summary>
    public string? Issuer { get; set; }

    /// <summary>
    /// The caller's subject. Without issuer and subject the caller is left out: nobody was identified.
    /// </summary>
    public string? Subject { get; set; }

    /// <summary><c>human</c>, <c>agent</c>, <c>ci</c> or <c>service</c>.</summary>
    public string? Kind { get; set; }

    /// <summary>The caller's groups.</summary>
    public IReadOnlyList<string>? Groups { get; set; }

    /// <summary>The human chain.</summary>
    public IReadOnlyList<string>? Chain { get; set; }

    /// <summary>Who acts with the caller's token: their issuer; null where nobody else does.</summary>
    public string? ActorIssuer { get; set; }

    /// <summary>Who acts with the caller's token: their subject.</summary>
    public string? ActorSubject { get; set; }

    /// <summary>The function id.</summary>
    public string? Function { get; set; }

    /// <summary>The method as received.</summary>
    public ReadOnlySpan<byte> Method { get; set; }

    /// <summary>Path and query as received, or the tool's name; need not be UTF-8.</summary>
    public ReadOnlySpan<byte> Target { get; set; }

    /// <summary>The function's risk.</summary>
    public string? Risk { get; set; }

    /// <summary>Allow, deny or approve.</summary>
    public string? Decision { get; set; }

    /// <summary>The rule that decided.</summary>
    public string? Rule { get; set; }

    /// <summary>
    /// What was done where it differs from <see cref="Decision"/>, since a rule or the policy only observes; else null.
    /// </summary>
    public string? Enforced { get; set; }

    /// <summary>The policy version in force, from 1; 0 when there was none.</summary>
    public long PolicyVersion { get; set; }

    /// <summary>The call's digest: 32 bytes, or empty.</summary>
    public ReadOnlySpan<byte> Digest { get; set; }

    /// <summary>The approval's id.</summary>
    public string? Approval { get; set; }

    /// <summary>Who approved.</summary>
    public IReadOnlyList<string>? Approvers { get; set; }

    /// <summary>Body bytes of the request; negative when unknown.</summary>
    public long RequestBytes { get; set; } = -1;

    /// <summary>Outcome: <c>ok</c> or the name of the problem.</summary>
    public string? Verdict { get; set; }

    /// <summary>Outcome: the status sent to the caller; 0 when none was.</summary>
    public int Status { get; set; }

    /// <summary>Outcome: the upstream's status; 0 when there was none.</summary>
    public int UpstreamStatus { get; set; }

    /// <summary>Outcome: body bytes of the response as sent; negative when unknown.</summary>
    public long ResponseBytes { get; set; } = -1;

    /// <summary>Outcome: SHA-256 of the response body as sent: 32 bytes, or empty.</summary>
    public ReadOnlySpan<byte> ResponseDigest { get; set; }

    /// <summary>Outcome: SHA-256 of the whole payload as sent on: 32 bytes, or empty where none was taken.</summary>
    public ReadOnlySpan<byte> RequestDigest { get; set; }

    /// <summary>Outcome: the payload's beginning, masked; empty where it is not kept.</summary>
    public ReadOnlySpan<byte> RequestCopy { get; set; }

    /// <summary>Outcome: true if the payload is longer than its copy.</summary>
    public bool IsRequestCopyCut { get; set; }

    /// <summary>Outcome: why a payload that is kept is not shown.</summary>
    public string? RequestCopyWithheld { get; set; }

    /// <summary>Outcome: the answer's beginning, masked for everybody; empty where it is not kept.</summary>
    public ReadOnlySpan<byte> ResponseCopy { get; set; }

    /// <summary>Outcome: true if the answer is longer than its copy.</summary>
    public bool IsResponseCopyCut { get; set; }

    /// <summary>Outcome: why an answer that is kept is not shown.</summary>
    public string? ResponseCopyWithheld { get; set; }

    /// <summary>Outcome: how many values were masked.</summary>
    public long Masked { get; set; }

    /// <summary>Outcome: id of the lent credential.</summary>
    public string? Credential { get; set; }

    /// <summary>
    /// Outcome: from the first byte of the request to the last of the response; negative when unknown.
    /// </summary>
    public long DurationMicroseconds { get; set; } = -1;

    /// <summary>Outcome: more for people.</summary>
    public string? Detail { get; set; }

    /// <summary>
    /// Writes the record into an empty <paramref name="record"/>, or the end of an outcome into one that its intent has
    /// readied: then only what an outcome adds, and the time, is taken from here.
    /// </summary>
    [HotPath]
    public readonly void WriteTo(AuditRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentOutOfRangeException.ThrowIfEqual((int)Type, (int)CallRecordType.None);
        AuditJson json;
        if (record.IsReadied && Type == CallRecordType.Outcome) json = AuditJson.Resume(record, At);
        else
        {
            record.Clear();
            json = new AuditJson(record);
            WriteHead(ref json, Type);
            WriteShared(ref json);
        }

        if (Type == CallRecordType.Outcome) WriteOutcome(ref json);
        else WriteRequestBytes(ref json);
        json.End();
    }

    /// <summary>
    /// Writes an intent, and readies the record of its outcome: who and what are the same in both, and a copy costs
    /// less than writing them twice.
    /// </summary>
    [HotPath]
    public readonly void WriteTo(AuditRecord intent, AuditRecord outcome)
    {
        ArgumentNullException.ThrowIfNull(intent);
        ArgumentNullException.ThrowIfNull(outcome);
        ArgumentOutOfRangeException.ThrowIfNotEqual((int)Type, (int)CallRecordType.Intent);
        intent.Clear();
        AuditJson json = new(intent);
        WriteHead(ref json, CallRecordType.Intent);
        int from = intent.WrittenBytes;
        WriteShared(ref json);
        outcome.Clear();
        AuditJson twin = new(outcome);
        WriteHead(ref twin, CallRecordType.Outcome);
        outcome.Ready(json.IsCut, intent.Written[from..]);
        WriteRequestBytes(ref json);
        json.End();
    }

    private readonly void WriteHead(ref AuditJson json, CallRecordType type)
    {
        json.Number("v"u8, 1);
        json.Text("type"u8, type == CallRecordType.Intent ? "intent"u8 : "outcome"u8);
        json.Id("call"u8, Call);
        json.Time("at"u8, At);
    }

    private readonly void WriteShared(ref AuditJson json)
    {
        json.Text("gateway"u8, Gateway);
        WriteCaller(ref json);
        WriteWhat(ref json);
    }

    private readonly void WriteCaller(ref AuditJson json)
    {
        if (string.IsNullOrEmpty(Issuer) && string.IsNullOrEmpty(Subject)) return;
        json.BeginObject("caller"u8);
        json.Text("iss"u8, Issuer);
        json.Text("sub"u8, Subject);
        json.Text("kind"u8, Kind);
        json.List("groups"u8, Groups);
        json.List("chain"u8, Chain);
        if (!string.IsNullOrEmpty(ActorIssuer) || !string.IsNullOrEmpty(ActorSubject))
        {
            json.BeginObject("act"u8);
            json.Text("iss"u8, ActorIssuer);
            json.Text("sub"u8, ActorSubject);
            json.EndObject();
        }

        json.EndObject();
    }

    private readonly void WriteWhat(ref AuditJson json)
    {
        json.Text("function"u8, Function);
        json.Text("method"u8, Method);
        json.Target("target"u8, Target);
        json.Text("risk"u8, Risk);
        json.Text("decision"u8, Decision);
        json.Text("rule"u8, Rule);
        json.Text("enforced"u8, Enforced);
        if (PolicyVersion > 0) json.Number("policy_version"u8, PolicyVersion);
        json.Digest("digest"u8, Digest);
        json.Text("approval"u8, Approval);
        json.List("approvers"u8, Approvers);
    }

    private readonly void WriteRequestBytes(ref AuditJson json)
    {
        if (RequestBytes >= 0) json.Number("request_bytes"u8, RequestBytes);
    }

    private readonly void WriteOutcome(ref AuditJson json)
    {
        json.Text("verdict"u8, Verdict);
        if (Status > 0) json.Number("status"u8, Status);
        if (UpstreamStatus > 0) json.Number("upstream_status"u8, UpstreamStatus);
        WriteRequestBytes(ref json);
        if (ResponseBytes >= 0) json.Number("response_bytes"u8, ResponseBytes);
        json.Digest("response_digest"u8, ResponseDigest);
        json.Number("masked"u8, Masked);
        json.Text("credential"u8, Credential);
        if (DurationMicroseconds >= 0) json.Number("duration_us"u8, DurationMicroseconds);
        json.Detail("detail"u8, Detail);
        WriteCopies(ref json);
    }

    // Last, in the room that is left: what a copy loses is told, what the rest would lose is the record.
    private readonly void WriteCopies(ref AuditJson json)
    {
        json.Digest("request_digest"u8, RequestDigest);
        json.Text("request_copy_withheld"u8, RequestCopyWithheld);
        json.Text("response_copy_withheld"u8, ResponseCopyWithheld);
        if (RequestCopy.IsEmpty && ResponseCopy.IsEmpty) return;
        int share = json.BytesLeft / (RequestCopy.IsEmpty || ResponseCopy.IsEmpty ? 1 : 2);
        json.Copy("request_copy"u8, RequestCopy, IsRequestCopyCut, share);
        json.Copy("response_copy"u8, ResponseCopy, IsResponseCopyCut, share);
    }
}
