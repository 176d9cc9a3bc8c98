using System.Security.Cryptography;

namespace Countersign.DemoIssuer;

/// <summary>How a device's question for its token stands. Zero is a code that nobody knows.</summary>
internal enum DeviceAnswer : byte
{
    /// <summary>There is no such code, or it has expired.</summary>
    Expired = 0,

    /// <summary>Nobody has entered the code yet.</summary>
    Pending,

    /// <summary>Somebody refused it.</summary>
    Denied,

    /// <summary>Somebody entered it; the token is theirs, once.</summary>
    Granted,
}

/// <summary>
/// Codes of the device authorization grant (RFC 8628) and refresh tokens, each good once; so many and no more. They
/// live as long as the issuer does.
/// </summary>
internal sealed class DeviceGrants(TimeProvider clock)
{
    /// <summary>How long a code may wait.</summary>
    internal const int CodeSeconds = 600;

    private const int Most = 1_000;

    // RFC 8628 section 6.1: no vowels, so no words.
    private const string Letters = "BCDFGHJKLMNPQRSTVWXZ";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Code> _codes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _refresh = new(StringComparer.Ordinal);

    /// <summary>A new pair of codes, or null where too many wait.</summary>
    internal (string Device, string User)? Begin()
    {
        lock (_gate)
        {
            DateTimeOffset now = clock.GetUtcNow();
            foreach (string old in _codes.Where(one => one.Value.Until <= now).Select(one => one.Key).ToArray())
                _codes.Remove(old);
            if (_codes.Count >= Most) return null;
            string device = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
            string letters = RandomNumberGenerator.GetString(Letters, 8);
            string user = letters[..4] + "-" + letters[4..];
            _codes.Add(device, new Code(user, now.AddSeconds(CodeSeconds)));
            return (device, user);
        }
    }

    /// <summary>Somebody enters a code, as themselves, or refuses it (null). False for no code that waits.</summary>
    internal bool TryEnter(string code, string? user)
    {
        lock (_gate)
        {
            Code? waiting = _codes.Values.FirstOrDefault(
                one => one.User.Equals(code.Trim(), StringComparison.OrdinalIgnoreCase)
                    && one.Until > clock.GetUtcNow() && !one.IsEntered);
            if (waiting is null) return false;
            waiting.IsEntered = true;
            waiting.By = user;
            return true;
        }
    }

    /// <summary>What became of a device's code, and whose the token is.</summary>
    internal DeviceAnswer Take(string device, out string user)
    {
        user = "";
        lock (_gate)
        {
            if (!_codes.TryGetValue(device, out Code? code) || code.Until <= clock.GetUtcNow())
                return DeviceAnswer.Expired;
            if (!code.IsEntered) return DeviceAnswer.Pending;
            _codes.Remove(device);
            if (code.By is null) return DeviceAnswer.Denied;
            user = code.By;
            return DeviceAnswer.Granted;
        }
    }

    /// <summary>A refresh token for a user; null where there are too many.</summary>
    internal string? Refresh(string user)
    {
        lock (_gate)
        {
            if (_refresh.Count >= Most) return null;
            string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
            _refresh.Add(token, user);
            return token;
        }
    }

    /// <summary>Takes a refresh token; whose it was, or null.</summary>
    internal string? Spend(string token)
    {
        lock (_gate) return _refresh.Remove(token, out string? user) ? user : null;
    }

    private sealed class Code(string user, DateTimeOffset until)
    {
        internal string User => user;

        internal DateTimeOffset Until => until;

        internal bool IsEntered { get; set; }

        internal string? By { get; set; }
    }
}
