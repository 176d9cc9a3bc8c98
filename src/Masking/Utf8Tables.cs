namespace Countersign.Masking;

/// <summary>
/// What two bytes that follow each other break of UTF-8 (RFC 3629), by three look-ups of half bytes, as J. Keiser and
/// D. Lemire describe it (Validating UTF-8 in less than one instruction per byte, 2020): a bit for each way to be
/// wrong, which is so if all three have it. That a third or fourth byte follows is one bit too, which must be set where
/// the lead says so and nowhere else.
/// </summary>
internal static class Utf8Tables
{
    /// <summary>What is taken from the byte two places back: one from 0xE0 on keeps its uppermost bit and asks for a
    /// third byte.</summary>
    public const byte ThirdFrom = 0xE0 - 0x80;

    /// <summary>From the one three places back: one from 0xF0 on asks for a fourth.</summary>
    public const byte FourthFrom = 0xF0 - 0x80;

    /// <summary>The bit of a byte that goes on a character behind another that does.</summary>
    public const byte TwoGoOn = 0x80;

    private const byte Short = 0x01;         // a lead, and no byte that goes on
    private const byte Long = 0x02;          // a byte that goes on, behind none
    private const byte Overlong3 = 0x04;
    private const byte TooLarge = 0x08;      // beyond U+10FFFF
    private const byte Surrogate = 0x10;
    private const byte Overlong2 = 0x20;
    private const byte Overlong4 = 0x40;
    private const byte TooLargeBy8 = 0x40;   // the same, behind a lead of 0xF5 and more
    private const byte Any = Short | Long | TwoGoOn;

    /// <summary>By the upper half of the first.</summary>
    public static ReadOnlySpan<byte> FirstHigh =>
    [
        Long, Long, Long, Long, Long, Long, Long, Long, TwoGoOn, TwoGoOn, TwoGoOn, TwoGoOn,
        Short | Overlong2, Short, Short | Overlong3 | Surrogate, Short | TooLarge | TooLargeBy8 | Overlong4,
    ];

    /// <summary>By its lower half.</summary>
    public static ReadOnlySpan<byte> FirstLow =>
    [
        Any | Overlong3 | Overlong2 | Overlong4, Any | Overlong2, Any, Any, Any | TooLarge,
        Any | TooLarge | TooLargeBy8, Any | TooLarge | TooLargeBy8, Any | TooLarge | TooLargeBy8,
        Any | TooLarge | TooLargeBy8, Any | TooLarge | TooLargeBy8, Any | TooLarge | TooLargeBy8,
        Any | TooLarge | TooLargeBy8, Any | TooLarge | TooLargeBy8,
        Any | TooLarge | TooLargeBy8 | Surrogate, Any | TooLarge | TooLargeBy8, Any | TooLarge | TooLargeBy8,
    ];

    /// <summary>By the upper half of the second.</summary>
    public static ReadOnlySpan<byte> SecondHigh =>
    [
        Short, Short, Short, Short, Short, Short, Short, Short,
        Long | TwoGoOn | Overlong2 | Overlong3 | Overlong4 | TooLargeBy8,
        Long | TwoGoOn | Overlong2 | Overlong3 | TooLarge,
        Long | TwoGoOn | Overlong2 | Surrogate | TooLarge, Long | TwoGoOn | Overlong2 | Surrogate | TooLarge,
        Short, Short, Short, Short,
    ];
}
