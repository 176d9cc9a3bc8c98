using System.Data.Common;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Countersign.Cli.Shipping;

/// <summary>How a connection string is read, and what is told of a database's failures.</summary>
internal static class PostgresConnection
{
    /// <summary>
    /// Connections by a connection string; null where it cannot be read. To another machine it is TLS with the server's
    /// name checked, unless the string itself says otherwise.
    /// </summary>
    internal static NpgsqlDataSource? TryMake(string text)
    {
        try
        {
            NpgsqlConnectionStringBuilder options = new(text);
            if (string.IsNullOrEmpty(options.Host)) return null;

            // The driver's own builder lists every key; this one only those that the text has.
            DbConnectionStringBuilder said = new() { ConnectionString = text };
            bool saysTls = said.Keys.Cast<string>().Any(key => key.Replace(" ", "", StringComparison.Ordinal).Equals(
                "sslmode", StringComparison.OrdinalIgnoreCase));
            if (!saysTls && !options.Host.Split(',').All(IsHere)) options.SslMode = SslMode.VerifyFull;
            if (string.IsNullOrEmpty(options.ApplicationName)) options.ApplicationName = "countersign";
            options.Enlist = false;
            options.IncludeErrorDetail = false;
            options.PersistSecurityInfo = false;
            return NpgsqlDataSource.Create(options);
        }
        catch (Exception fault) when (fault is ArgumentException or FormatException or KeyNotFoundException)
        {
            // The text holds a password, so what is wrong with it is not repeated.
            return null;
        }
    }

    /// <summary>True for what a database that is away or refuses throws.</summary>
    internal static bool IsFailure(Exception fault) =>
        fault is NpgsqlException or TimeoutException or SocketException or IOException or InvalidOperationException
            or OperationCanceledException;

    /// <summary>A failure in few words, without the connection string.</summary>
    internal static string Words(Exception fault) => fault switch
    {
        PostgresException told => told.SqlState + " " + told.MessageText,
        { InnerException: SocketException socket } => socket.SocketErrorCode.ToString(),
        { InnerException: { } inner } => fault.GetType().Name + ": " + inner.GetType().Name,
        _ => fault.GetType().Name,
    };

    private static bool IsHere(string host)
    {
        string name = host.Trim();
        if (name.StartsWith('/') || name.StartsWith('@') || name == "localhost") return true;
        int port = name.LastIndexOf(':');
        if (port > 0 && name.IndexOf(':', StringComparison.Ordinal) == port) name = name[..port];
        return name == "localhost"
            || (IPAddress.TryParse(name, out IPAddress? address) && IPAddress.IsLoopback(address));
    }
}
