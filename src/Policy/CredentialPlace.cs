using System.Text;

namespace Countersign.Policy;

/// <summary>What is made of a credential's fields.</summary>
public enum CredentialForm : byte
{
    /// <summary>A header's value, by a template.</summary>
    Header = 0,

    /// <summary><c>username</c> and <c>password</c> by HTTP Basic authentication (RFC 7617).</summary>
    Basic,

    /// <summary>A signature of the request: AWS Signature Version 4.</summary>
    AwsSigV4,
}

/// <summary>Where a credential goes: always a header, never the query.</summary>
public sealed record CredentialPlace
{
    /// <summary>The field of a credential that has but one.</summary>
    public const string Token = "token";

    private readonly byte[] _header;
    private readonly byte[] _prefix = [];
    private readonly byte[] _suffix = [];

    /// <summary>A header by its template.</summary>
    /// <param name="header">Its name.</param>
    /// <param name="value">Its value, with <c>{field}</c> where a field goes.</param>
    /// <param name="form">What is made of the fields; <paramref name="value"/> counts for a header alone.</param>
    public CredentialPlace(string header, string value, CredentialForm form = CredentialForm.Header)
    {
        Header = header;
        Value = value;
        Form = form;
        _header = Encoding.ASCII.GetBytes(header);
        string[] around = value.Split("{" + Token + "}");
        if (around.Length != 2 || around[0].Contains('{', StringComparison.Ordinal)
            || around[1].Contains('{', StringComparison.Ordinal))
        {
            return;
        }

        IsTokenAlone = true;
        _prefix = Encoding.ASCII.GetBytes(around[0]);
        _suffix = Encoding.ASCII.GetBytes(around[1]);
    }

    /// <summary><c>Authorization: Bearer {token}</c>.</summary>
    public static CredentialPlace Bearer { get; } = new("Authorization", "Bearer {token}");

    /// <summary>The header's name.</summary>
    public string Header { get; }

    /// <summary>The header's value with its fields.</summary>
    public string Value { get; }

    /// <summary>What is made of the fields.</summary>
    public CredentialForm Form { get; }

    /// <summary>The region that is signed for; AWS only.</summary>
    public string Region { get; init; } = "";

    /// <summary>The service that is signed for; AWS only.</summary>
    public string Service { get; init; } = "";

    /// <summary>True if the body's digest is signed too, for which it is buffered; AWS only.</summary>
    public bool SignsBody { get; init; } = true;

    /// <summary>The header's name in bytes.</summary>
    public ReadOnlySpan<byte> HeaderBytes => _header;

    /// <summary>True if the value is one token, once, and text around it.</summary>
    public bool IsTokenAlone { get; }

    /// <summary>The text before the token.</summary>
    public ReadOnlySpan<byte> Prefix => _prefix;

    /// <summary>The text after the token.</summary>
    public ReadOnlySpan<byte> Suffix => _suffix;

    /// <summary>By what was written, not by what was made of it.</summary>
    public bool Equals(CredentialPlace? other) => other is not null && Header == other.Header
        && Value == other.Value && Form == other.Form && Region == other.Region && Service == other.Service
        && SignsBody == other.SignsBody;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Header, Value, Form, Region, Service, SignsBody);
}
