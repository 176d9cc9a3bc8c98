namespace Countersign.Masking.Detectors;

/// <summary>
/// Keys that carry their vendor's mark: a prefix, then so many characters of an alphabet, and no further letter or
/// digit. docs/MASKING.md lists them.
/// </summary>
internal static class VendorKey
{
    private const int AccessKeyIdBytes = 20;
    private const int AccessSecretBytes = 40;

    private static readonly KeyShape[] ByA =
    [
        new("AKIA"u8, KeyAlphabet.Upper, 16, 16), new("ASIA"u8, KeyAlphabet.Upper, 16, 16),
        new("AIza"u8, KeyAlphabet.Url, 35, 35),
    ];

    private static readonly KeyShape[] ByG =
    [
        new("ghp_"u8, KeyAlphabet.Word, 36, 255), new("gho_"u8, KeyAlphabet.Word, 36, 255),
        new("ghu_"u8, KeyAlphabet.Word, 36, 255), new("ghs_"u8, KeyAlphabet.Word, 36, 255),
        new("ghr_"u8, KeyAlphabet.Word, 36, 255), new("github_pat_"u8, KeyAlphabet.Url, 22, 255),
        new("glpat-"u8, KeyAlphabet.Dotted, 20, 320), new("gldt-"u8, KeyAlphabet.Dotted, 20, 320),
        new("glrt-"u8, KeyAlphabet.Dotted, 20, 320), new("glft-"u8, KeyAlphabet.Dotted, 20, 320),
        new("glsoat-"u8, KeyAlphabet.Dotted, 20, 320), new("glcbt-"u8, KeyAlphabet.Dotted, 20, 320),
        new("glptt-"u8, KeyAlphabet.Dotted, 40, 320), new("glimt-"u8, KeyAlphabet.Dotted, 20, 320),
        new("glagent-"u8, KeyAlphabet.Dotted, 40, 320), new("gloas-"u8, KeyAlphabet.Dotted, 40, 320),
    ];

    private static readonly KeyShape[] ByX =
    [
        new("xoxb-"u8, KeyAlphabet.Url, 10, 255), new("xoxp-"u8, KeyAlphabet.Url, 10, 255),
        new("xoxa-"u8, KeyAlphabet.Url, 10, 255), new("xoxr-"u8, KeyAlphabet.Url, 10, 255),
        new("xoxs-"u8, KeyAlphabet.Url, 10, 255), new("xoxo-"u8, KeyAlphabet.Url, 10, 255),
        new("xoxe-"u8, KeyAlphabet.Url, 10, 255), new("xoxe.xoxp-"u8, KeyAlphabet.Url, 10, 255),
        new("xoxe.xoxb-"u8, KeyAlphabet.Url, 10, 255), new("xapp-"u8, KeyAlphabet.Url, 10, 255),
    ];

    private static readonly KeyShape[] ByH =
    [
        new("hooks.slack.com/services/"u8, KeyAlphabet.Path, 20, 255),
        new("hooks.slack.com/workflows/"u8, KeyAlphabet.Path, 20, 255),
        new("hooks.slack.com/triggers/"u8, KeyAlphabet.Path, 20, 255),
    ];

    private static readonly KeyShape[] ByS =
    [
        new("sk_live_"u8, KeyAlphabet.Word, 16, 255), new("sk_test_"u8, KeyAlphabet.Word, 16, 255),
        new("sk-ant-"u8, KeyAlphabet.Url, 32, 255), new("sk-"u8, KeyAlphabet.Url, 32, 255, isMixed: true),
    ];

    private static readonly KeyShape[] ByR =
    [
        new("rk_live_"u8, KeyAlphabet.Word, 16, 255), new("rk_test_"u8, KeyAlphabet.Word, 16, 255),
    ];

    private static readonly KeyShape[] ByW = [new("whsec_"u8, KeyAlphabet.Base64, 32, 88)];

    /// <summary>True if a key may begin with <paramref name="one"/>.</summary>
    public static bool MayBegin(byte one) => one is (byte)'A' or (byte)'g' or (byte)'x' or (byte)'h' or (byte)'s'
        or (byte)'r' or (byte)'w';

    /// <summary>The length of the key at <paramref name="start"/>, or 0.</summary>
    public static int Match(ReadOnlySpan<byte> value, int start)
    {
        KeyShape[] shapes = value[start] switch
        {
            (byte)'A' => ByA,
            (byte)'g' => ByG,
            (byte)'x' => ByX,
            (byte)'h' => ByH,
            (byte)'s' => ByS,
            (byte)'r' => ByR,
            (byte)'w' => ByW,
            _ => [],
        };
        if (!AsciiClass.BeginsWord(value, start)) return 0;
        ReadOnlySpan<byte> text = value[start..];
        foreach (KeyShape shape in shapes)
        {
            int length = shape.Match(text);
            if (length > 0) return length;
        }

        return 0;
    }

    /// <summary>True if an AWS access key's id, of that <paramref name="length"/>, begins at
    /// <paramref name="start"/>.</summary>
    public static bool IsAccessKeyId(ReadOnlySpan<byte> value, int start, int length) =>
        length == AccessKeyIdBytes && value[start + 3] == 'A' && value[start + 2] == 'I';

    /// <summary>The first secret of an access key that begins within <see cref="DetectorLimits.SecretGapMax"/> bytes of
    /// the id before <paramref name="idEnd"/>.</summary>
    public static Detection SecretAfter(ReadOnlySpan<byte> value, int idEnd)
    {
        int last = Math.Min(value.Length - AccessSecretBytes, idEnd + DetectorLimits.SecretGapMax);
        const int RunMax = AccessSecretBytes + DetectorLimits.SecretGapMax;
        int place = idEnd + KeyShape.Run(value[idEnd..], KeyAlphabet.Base64, RunMax) + 1;
        while (place <= last)
        {
            int length = KeyShape.Run(value[place..], KeyAlphabet.Base64, RunMax);
            if (IsSecret(value, place, length)) return new(place, AccessSecretBytes, DetectorSet.CloudKey);
            place += length + 1;
        }

        return Detection.None;
    }

    /// <summary>True if all of <paramref name="value"/> has the form of an AWS secret access key.</summary>
    public static bool IsAccessSecret(ReadOnlySpan<byte> value) =>
        value.Length == AccessSecretBytes
        && IsSecret(value, 0, KeyShape.Run(value, KeyAlphabet.Base64, AccessSecretBytes));

    private static bool IsSecret(ReadOnlySpan<byte> value, int place, int length) =>
        length == AccessSecretBytes && KeyShape.IsMixed(value.Slice(place, length));
}
