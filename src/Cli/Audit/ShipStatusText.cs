using System.Globalization;
using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.Cli.Shipping;

namespace Countersign.Cli.Audit;

/// <summary>How far each destination is, by the cursors beside a log, whoever ships.</summary>
internal static class ShipStatusText
{
    private static readonly string[] Heads = ["DESTINATION", "SHIPPED", "LAG", "AGE", "STATE"];

    internal static void Print(CommandEnvironment environment, string folder, bool json)
    {
        long signed = ShipSource.SignedIn(folder)();
        LogIdentity? log = LogIdentity.Read(folder);
        DateTimeOffset now = environment.Clock.GetUtcNow();
        JsonArray told = [];
        List<string[]> rows = [];
        foreach (string name in ShipCursor.Names(folder))
        {
            if (ShipCursor.Read(folder, name) is not { } cursor) continue;
            long next = cursor.Log == log ? cursor.Next : 0, lag = Math.Max(0, signed - next);
            long age = lag == 0 ? 0 : (long)Math.Max(0, (now - (TimeOf(folder, next) ?? now)).TotalSeconds);
            string state = cursor.State switch
            {
                ShipStatus.Taken => "ok",
                ShipStatus.Away => "away",
                ShipStatus.Full => "full",
                ShipStatus.Refused => "refused",
                _ => "contradicted",
            };
            told.Add((JsonNode)new JsonObject
            {
                ["destination"] = name, ["shipped"] = next, ["signed"] = signed, ["lag"] = lag,
                ["lag_seconds"] = age, ["state"] = state, ["message"] = cursor.Message, ["at"] = cursor.At,
            });
            string message = cursor.Message.Length > 0 ? state + ": " + cursor.Message : state;
            rows.Add([name, Text(next), Text(lag), Text(age) + "s", message]);
        }

        if (json) environment.Out.WriteLine(told.ToJsonString(Serve.LogOptions.PlainJson));
        else if (told.Count == 0) environment.Out.WriteLine("nothing is shipped from this log");
        else TextTable.Print(environment.Out, Heads, rows);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static DateTimeOffset? TimeOf(string folder, long index)
    {
        foreach (AuditEntry entry in AuditReader.Between(folder, index, index + 1))
            return RecordFields.TimeOf(entry.Payload.Span);
        return null;
    }
}
