using Countersign.Audit;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.AuditTrail;

/// <summary>What the audit calls one kind of act.</summary>
/// <param name="Intent">On disk before it takes effect.</param>
/// <param name="Done">It took effect.</param>
/// <param name="Refused">It did not, or nobody knows; the detail says which.</param>
internal sealed record ActWords(string Intent, string Done, string Refused)
{
    public static readonly ActWords Decision =
        new("approval-decision", "approval-decided", "approval-decision-refused");

    public static readonly ActWords Cancel = new("approval-cancel", "approval-cancelled", "approval-cancel-refused");
    public static readonly ActWords Revoke = new("approval-revoke", "approval-revoked", "approval-revoke-refused");
    public static readonly ActWords Withdraw =
        new("approval-withdraw", "approval-withdrawn", "approval-withdraw-refused");

    public static readonly ActWords BreakGlass = new("break-glass", "glass-broken", "break-glass-refused");
    public static readonly ActWords Review =
        new("break-glass-review", "break-glass-reviewed", "break-glass-review-refused");

    public static readonly ActWords Reveal = new("approval-reveal", "approval-revealed", "approval-reveal-refused");
    public static readonly ActWords ReviveNotice = new("notice-retry", "notice-retried", "notice-retry-refused");
    public static readonly ActWords SignIn = new("console-sign-in", "console-signed-in", "console-sign-in-refused");
    public static readonly ActWords SignOut = new("console-sign-out", "console-signed-out", "console-sign-out-refused");
    public static readonly ActWords IssueToken = new("token-issue", "token-issued", "token-issue-refused");
    public static readonly ActWords RevokeToken = new("token-revoke", "token-revoked", "token-revoke-refused");
    public static readonly ActWords RotateKeys = new("keys-rotate", "keys-rotated", "keys-rotate-refused");
    public static readonly ActWords RevokeKey = new("key-revoke", "key-revoked", "key-revoke-refused");
    public static readonly ActWords Publish = new("policy-publish", "policy-published", "policy-publish-refused");
    public static readonly ActWords Activate = new("policy-activate", "policy-activated", "policy-activate-refused");
}

/// <summary>Writes the acts of this listener into the audit log.</summary>
internal sealed class ActLog(AuditLog log, string gateway, TimeProvider clock)
{
    /// <summary>An act that has no effect yet. Nothing is written until it is intended or has ended.</summary>
    public AuditedAct Begin(Caller actor, ActWords words, string subject, string detail) =>
        new(this, actor, words, subject, detail);

    /// <summary>Writes something that somebody does, on disk when this returns true.</summary>
    public async ValueTask<bool> TryNoteAsync(Caller actor, string word, string subject, string detail)
    {
        if (!log.TryReserve(out AuditReservation slot)) return false;
        Write(slot.Outcome, actor, word, subject, detail);
        bool isWritten = await log.CommitAsync(slot.Outcome);
        log.Return(slot);
        return isWritten;
    }

    internal bool TryReserve(out AuditReservation slot) => log.TryReserve(out slot);

    internal ValueTask<bool> CommitAsync(AuditRecord record) => log.CommitAsync(record);

    internal void Enqueue(AuditRecord record) => log.Enqueue(record);

    internal void Return(in AuditReservation slot) => log.Return(slot);

    internal void Write(AuditRecord record, Caller actor, string word, string subject, string detail)
    {
        EventRecord written = new()
        {
            At = clock.GetUtcNow(),
            Gateway = gateway,
            Event = word,
            ActorIssuer = actor.Issuer,
            ActorSubject = actor.Subject,
            ActorKind = ApprovalJson.NameOf(actor.Kind),
            Subject = subject,
            Detail = detail,
        };
        written.WriteTo(record);
    }
}

/// <summary>
/// One act and its records: the intent is on disk before the effect, and room for the outcome is held from then on. A
/// refusal without intent, such as somebody who tries to approve their own call, leaves an outcome alone.
/// </summary>
internal sealed class AuditedAct(ActLog acts, Caller actor, ActWords words, string subject, string detail) : IDisposable
{
    private AuditReservation _slot;
    private bool _isIntended;

    /// <summary>Writes the intent, once; false means that the act must not take effect.</summary>
    public async ValueTask<bool> TryIntendAsync()
    {
        if (_isIntended) return true;
        if (!_slot.IsHeld && !acts.TryReserve(out _slot)) return false;
        AuditRecord intent = _slot.Intent;
        acts.Write(intent, actor, words.Intent, subject, detail);
        _isIntended = await acts.CommitAsync(intent);
        return _isIntended;
    }

    /// <summary>Writes that it took effect.</summary>
    public void Succeed(string outcome, string? of = null) => End(words.Done, of ?? subject, outcome);

    /// <summary>Writes that it did not take effect, or that nobody knows.</summary>
    public void Fail(string outcome) => End(words.Refused, subject, outcome);

    public void Dispose() => acts.Return(_slot);

    private void End(string word, string of, string outcome)
    {
        // Without an intent nothing happened, and a full log cannot be told so either.
        if (!_slot.IsHeld && !acts.TryReserve(out _slot)) return;
        acts.Write(_slot.Outcome, actor, word, of, detail.Length == 0 ? outcome : outcome + "; " + detail);
        acts.Enqueue(_slot.Outcome);
    }
}
