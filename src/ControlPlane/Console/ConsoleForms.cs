using System.Text.Json;
using Countersign.ControlPlane.Approvals;

namespace Countersign.ControlPlane.Console;

/// <summary>Forms read by the API's own readers, so that a form may say nothing that the API would refuse.</summary>
internal static class ConsoleForms
{
    public static DecisionRequest? Decision(PostedForm form, out string why) => DecisionRequest.Read(
        JsonSerializer.SerializeToUtf8Bytes(
            new DecisionBody(form["decision"], form["digest"], Written(form, "reason")),
            DecisionBodies.Default.DecisionBody),
        out why);

    public static RevealRequest? Reveal(PostedForm form, out string why) => RevealRequest.Read(
        JsonSerializer.SerializeToUtf8Bytes(
            new RevealBody(form["pointer"], Written(form, "reason")), RevealBodies.Default.RevealBody),
        out why);

    public static BreakGlassRequest? Glass(PostedForm form, out string why) => BreakGlassRequest.Read(
        JsonSerializer.SerializeToUtf8Bytes(
            new BreakGlassBody(form["digest"], Written(form, "reason")), ActBodies.Default.BreakGlassBody),
        out why);

    public static string? Note(PostedForm form, out string why) => BreakGlassRequest.ReadNote(
        JsonSerializer.SerializeToUtf8Bytes(new ReviewBody(Written(form, "note")), ActBodies.Default.ReviewBody),
        out why);

    // Browsers send line ends as CR LF, which would count twice.
    private static string Written(PostedForm form, string field) => form[field].ReplaceLineEndings("\n").Trim();
}
