using System.Runtime.CompilerServices;

namespace Countersign.Masking.Detectors;

/// <summary>Asks the detectors what they find at a place that may give something away.</summary>
internal static class Inspection
{
    /// <summary>The bytes by which a detection may begin after what gives it away: <c>: '</c> or
    /// <c>://</c>.</summary>
    public const int BytesAfter = 6 + 7;

    /// <summary>The bytes by which a detection other than an address may begin before what gives it away: dashes of a
    /// key.</summary>
    public const int BytesBefore = 4;

    /// <summary>Offers what is found by <paramref name="place"/>.</summary>
    public static void Offer<TOffers>(
        in ValueText text, DetectorSet wanted, int place, ref TOffers offers)
        where TOffers : struct, IOffers
    {
        ReadOnlySpan<byte> value = text.Value;
        byte one = value[place];
        if (AsciiClass.IsDigit(one))
        {
            if (place >= offers.From) OfferNumber(text, wanted, place, ref offers);
            return;
        }

        bool assigns = (wanted & DetectorSet.HighEntropy) != 0 && place + 1 < value.Length
            && value[place + 1] is (byte)'=' or (byte)':';
        if (assigns && TellingNames.MayEndBefore(value, place + 1))
            Take(HighEntropySecret.After(value, place + 1), ref offers);
        bool isPast = place < offers.From && one is not (byte)':' && (one == 'e' || !AsciiClass.IsLetter(one));
        if (isPast) return;   // these begin no later than here
        switch (one)
        {
            case (byte)'@':
                if (!EmailAddress.BeginsBefore(value, place, offers.From))
                    Take(EmailAddress.Around(text, place), ref offers);
                break;
            case (byte)'+' or (byte)'(':
                offers.Offer(place, PhoneNumber.Match(text, place), DetectorSet.Phone);
                break;
            case (byte)'-':
                if ((wanted & DetectorSet.PrivateKey) != 0)
                    offers.Offer(place - 4, PrivateKeyBlock.Match(value, place - 4), DetectorSet.PrivateKey);
                break;
            case (byte)':':
                Take(BasicAuth.After(value, place), ref offers);
                break;
            case (byte)'e':
                if ((wanted & DetectorSet.Jwt) != 0)
                    offers.Offer(place, JsonWebToken.Match(value, place), DetectorSet.Jwt);
                break;
            default:
                if ((wanted & DetectorSet.CloudKey) != 0 && VendorKey.MayBegin(one)) OfferKey(value, place, ref offers);
                break;
        }
    }

    /// <summary>Offers the secrets whose access key's id stands before the place from where something is
    /// wanted.</summary>
    public static void OfferSecrets<TOffers>(ReadOnlySpan<byte> value, ref TOffers offers)
        where TOffers : struct, IOffers
    {
        int from = offers.From;
        int place = Math.Max(0, from - DetectorLimits.BytesBehindMax);
        while (place < from)
        {
            int next = value[place..from].IndexOf("IA"u8);
            if (next < 0) break;
            int id = place + next - 2;
            place += next + 2;
            if (id < 0 || value[id] != 'A') continue;
            int length = VendorKey.Match(value, id);
            if (VendorKey.IsAccessKeyId(value, id, length))
                Take(VendorKey.SecretAfter(value, id + length), ref offers);
        }
    }

    /// <summary>Offers what counts in a value beside a name that tells of a secret: of the words the first.</summary>
    public static void OfferBesideName<TOffers>(ReadOnlySpan<byte> value, DetectorSet wanted, ref TOffers offers)
        where TOffers : struct, IOffers
    {
        if ((wanted & DetectorSet.HighEntropy) != 0) Take(HighEntropySecret.InValue(value, offers.From), ref offers);
        if ((wanted & DetectorSet.CloudKey) != 0 && offers.From == 0 && VendorKey.IsAccessSecret(value))
            offers.Offer(0, value.Length, DetectorSet.CloudKey);
    }

    /// <summary>True if something that ends behind <paramref name="last"/> may hold where an account's letters or a
    /// key's dashes begin, which <paramref name="next"/> goes on.</summary>
    public static bool Crosses(byte last, byte next) =>
        (last == '-' && next == '-') || (AsciiClass.IsLetter(last) && AsciiClass.IsWord(next));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OfferNumber<TOffers>(
        in ValueText text, DetectorSet wanted, int place, ref TOffers offers)
        where TOffers : struct, IOffers
    {
        ReadOnlySpan<byte> value = text.Value;
        if ((wanted & DetectorSet.Iban) != 0 && place >= 2 && AsciiClass.IsLetter(value[place - 1]))
        {
            offers.Offer(place - 2, Iban.Match(text, place - 2), DetectorSet.Iban);
            return;
        }

        DigitGroups groups = DigitGroups.At(text, place);
        if ((wanted & DetectorSet.PaymentCard) != 0)
            offers.Offer(place, CardNumber.Match(value, place, groups), DetectorSet.PaymentCard);
        if (groups.MayBeSocialSecurityNumber && (wanted & DetectorSet.UsSsn) != 0)
            offers.Offer(place, SocialSecurityNumber.Match(value, place), DetectorSet.UsSsn);
        if (groups.MayBePhone && (wanted & DetectorSet.Phone) != 0)
            offers.Offer(place, PhoneNumber.Match(text, place), DetectorSet.Phone);
    }

    private static void OfferKey<TOffers>(ReadOnlySpan<byte> value, int place, ref TOffers offers)
        where TOffers : struct, IOffers
    {
        int length = VendorKey.Match(value, place);
        offers.Offer(place, length, DetectorSet.CloudKey);
        if (VendorKey.IsAccessKeyId(value, place, length))
            Take(VendorKey.SecretAfter(value, place + length), ref offers);
    }

    private static void Take<TOffers>(Detection found, ref TOffers offers)
        where TOffers : struct, IOffers =>
        offers.Offer(found.Start, found.Length, found.Detector);
}
