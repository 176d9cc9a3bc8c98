using Microsoft.Extensions.Logging;

namespace Countersign.Identity.Inbound;

/// <summary>What Identity logs: never a token, never a claim.</summary>
internal static class IdentityLog
{
    private static readonly Action<ILogger, string, int, Exception?> KeysFetchedMessage =
        LoggerMessage.Define<string, int>(
            LogLevel.Debug, new EventId(1, nameof(KeysFetched)), "Issuer {Issuer} publishes {Count} usable keys");

    private static readonly Action<ILogger, string, string, Exception?> KeysNotFetchedMessage =
        LoggerMessage.Define<string, string>(
            LogLevel.Warning, new EventId(2, nameof(KeysNotFetched)),
            "The keys of {Issuer} could not be fetched: {Why}");

    private static readonly Action<ILogger, string, string, Exception?> NotIntrospectedMessage =
        LoggerMessage.Define<string, string>(
            LogLevel.Warning, new EventId(3, nameof(NotIntrospected)),
            "{Issuer} does not say what an opaque token means: {Why}");

    public static void NotIntrospected(ILogger logger, string issuer, string why) =>
        NotIntrospectedMessage(logger, issuer, why, null);

    public static void KeysFetched(ILogger logger, string issuer, int count) =>
        KeysFetchedMessage(logger, issuer, count, null);

    public static void KeysNotFetched(ILogger logger, string issuer, string why) =>
        KeysNotFetchedMessage(logger, issuer, why, null);
}
