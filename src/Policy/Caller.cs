using Countersign.Policy.Conditions;

namespace Countersign.Policy;

/// <summary>What a caller is. Zero is a token that names no kind: it may ask, but it can never approve.</summary>
public enum CallerKind : byte
{
    /// <summary>The token names no kind. Treated as a service whose own subject stays in its human chain.</summary>
    Unstated = 0,

    /// <summary>A person; the only kind that may approve.</summary>
    Human,

    /// <summary>An AI agent, acting for itself or for a person (RFC 8693 <c>act</c>).</summary>
    Agent,

    /// <summary>A build or deployment job.</summary>
    Ci,

    /// <summary>A service account.</summary>
    Service,
}

/// <summary>
/// The authenticated identity that calls: immutable, made by Identity once per token and shared by every call that
/// brings the same token.
/// </summary>
public sealed class Caller
{
    private readonly long? _provenAt;
    private CallerView? _view;
    private CallerFacts? _facts;

    /// <summary>
    /// Makes a caller. <paramref name="chain"/> holds the subject of every person the caller acts for.
    /// </summary>
    public Caller(
        string issuer, string subject, CallerKind kind, IReadOnlyList<string> groups, IReadOnlyList<string> chain,
        string tenant = "")
    {
        ArgumentException.ThrowIfNullOrEmpty(issuer);
        ArgumentException.ThrowIfNullOrEmpty(subject);
        Issuer = issuer;
        Subject = subject;
        Kind = kind;
        Groups = groups;
        Chain = chain;
        Tenant = tenant;
    }

    /// <summary>The <c>iss</c> that vouches for this caller.</summary>
    public string Issuer { get; }

    /// <summary>The <c>sub</c>; for an agent under RFC 8693 delegation, the acting agent's own subject is in the chain
    /// of actors and this stays the token's <c>sub</c>.</summary>
    public string Subject { get; }

    /// <summary>Human, agent, ci or service.</summary>
    public CallerKind Kind { get; }

    /// <summary>Groups as the issuer names them.</summary>
    public IReadOnlyList<string> Groups { get; }

    /// <summary>
    /// The human chain: the subjects of all people this caller acts for (DESIGN section 5). Separation of duties
    /// compares chains, never subjects alone.
    /// </summary>
    public IReadOnlyList<string> Chain { get; }

    /// <summary>The tenant the issuer names, or empty.</summary>
    public string Tenant { get; }

    /// <summary>True if another acts with this subject's token (RFC 8693 <c>act</c>), whoever the subject is.</summary>
    public bool IsDelegated { get; init; }

    /// <summary>Who acts with the token, where another than its subject does (RFC 8693 section 4.1): the issuer that
    /// vouches for them and their <c>sub</c>, a line each. Two agents of one person are two callers.</summary>
    public string Actor
    {
        get;
        init
        {
            field = value;
            Acting = ActorName.Of(value);
        }
    } = "";

    /// <summary><see cref="Actor"/> in its two parts; null where nobody acts but the subject.</summary>
    public ActorName? Acting { get; private init; }

    /// <summary>
    /// SHA-256 of the client certificate that the token is bound to (RFC 8705 section 3.1), 32 bytes; empty for a token
    /// that whoever holds it may use.
    /// </summary>
    public ReadOnlyMemory<byte> BoundCertificate { get; init; }

    /// <summary>
    /// SHA-256 thumbprint of the key whose proofs must come with the token (RFC 9449 section 6), 32 bytes; empty for
    /// a token that needs none.
    /// </summary>
    public ReadOnlyMemory<byte> BoundKey { get; init; }

    /// <summary>The token's <c>iat</c>, in seconds since 1970; 0 where it has none.</summary>
    public long IssuedAt { get; init; }

    /// <summary>
    /// What the proof of this caller is revoked by, apart from whom it names: a digest of each token that it rests on
    /// and of each id of one, meaningless to whoever does not know those. A credential that is lent for a call says
    /// them, so that it ends with them.
    /// </summary>
    public IReadOnlyList<string> ProofMarks { get; private init; } = [];

    /// <summary>When the oldest token that the proof of this caller rests on was issued, in seconds since 1970; 0 is
    /// older than everything. That of <see cref="IssuedAt"/> where nothing else is known.</summary>
    public long ProvenAt
    {
        get => _provenAt ?? IssuedAt;
        private init => _provenAt = value;
    }

    /// <summary>True for an authenticated person, acting directly: nobody approves through an agent.</summary>
    public bool IsPerson => Kind == CallerKind.Human && !IsDelegated;

    /// <summary>What one policy snapshot decides for this caller, kept while that snapshot is in force.</summary>
    internal CallerView? View
    {
        get => Volatile.Read(ref _view);
        set => Volatile.Write(ref _view, value);
    }

    /// <summary>What conditions see. Two threads may both make it: theirs say the same.</summary>
    internal CallerFacts Facts
    {
        get
        {
            CallerFacts? facts = Volatile.Read(ref _facts);
            if (facts is null) Volatile.Write(ref _facts, facts = new CallerFacts(this));
            return facts;
        }
    }

    /// <summary>The same caller, proven by what these marks name.</summary>
    /// <param name="marks">Its <see cref="ProofMarks"/>.</param>
    /// <param name="provenAt">Its <see cref="ProvenAt"/>.</param>
    public Caller ProvenBy(IReadOnlyList<string> marks, long provenAt)
    {
        ArgumentNullException.ThrowIfNull(marks);
        return new Caller(Issuer, Subject, Kind, Groups, Chain, Tenant)
        {
            IsDelegated = IsDelegated,
            Actor = Actor,
            BoundCertificate = BoundCertificate,
            BoundKey = BoundKey,
            IssuedAt = IssuedAt,
            ProofMarks = marks,
            ProvenAt = provenAt,
        };
    }

    /// <summary>True if the caller is in <paramref name="group"/>; group names are compared exactly.</summary>
    public bool IsIn(string group)
    {
        foreach (string held in Groups)
        {
            if (string.Equals(held, group, StringComparison.Ordinal)) return true;
        }

        return false;
    }

    /// <summary>
    /// True if the two chains share a person. Subjects are compared without regard to case or issuer: a false match
    /// only refuses an approval, a missed one would let a person approve their own call.
    /// </summary>
    public static bool ChainsMeet(IReadOnlyList<string> left, IReadOnlyList<string> right)
    {
        foreach (string one in left)
        {
            foreach (string other in right)
            {
                if (string.Equals(one, other, StringComparison.OrdinalIgnoreCase)) return true;
            }
        }

        return false;
    }
}
