using System.Buffers;
using System.CommandLine;
using System.Text;
using Countersign.Cli.Configuration;
using Countersign.Cli.Policies;
using Countersign.Masking;
using Countersign.Masking.Content;
using Countersign.Policy;
using MaskAction = Countersign.Masking.MaskAction;
using MaskNames = Countersign.Masking.MaskNames;

namespace Countersign.Cli.Masking;

/// <summary>
/// <c>countersign mask</c>: standard input to standard output, as the gateway would mask it for a caller.
/// </summary>
internal static class MaskCommand
{
    private const int ChunkBytes = 65_536;

    /// <summary>The most that is read at once.</summary>
    internal const int ChunkBytesMax = 1 << 24;


    /// <summary>The command.</summary>
    internal static Command Create(CommandEnvironment environment)
    {
        MaskArguments arguments = new();
        Command command = new("mask", "Mask standard input as the gateway masks an answer; 3 if it cannot be masked");
        arguments.AddTo(command);
        command.SetAction((parsed, cancellation) => RunAsync(environment, arguments.Of(parsed), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        CommandEnvironment environment, MaskRequest request, CancellationToken cancellation)
    {
        if (Read(environment, request.Policy) is not { } snapshot) return ExitCodes.Usage;
        if (snapshot.Find(request.Function) is not { } function)
        {
            return environment.Fail($"the policy has no function '{request.Function}'", ExitCodes.Usage);
        }

        if (ReadKeys(environment, request.Keys) is not { } keys) return ExitCodes.Usage;
        IReadOnlyList<MaskTerms> masks = snapshot.MasksFor(request.Groups, request.Function);
        List<MaskSelection> selections =
        [
            .. masks.Select(mask => new MaskSelection(
                mask.Fields, mask.Detect, (MaskAction)mask.Action, (MaskNames)mask.Names,
                mask.Key is null ? null : keys.GetValueOrDefault(mask.Key))),
        ];
        MaskProgram program = MaskSelection.Compile(selections);
        MaskExplanation? explanation = request.Explains
            ? new MaskExplanation(environment.Error, masks, selections, request.IsJson) : null;
        byte[] type = Encoding.UTF8.GetBytes(request.ContentType);
        bool passes = program.IsEmpty || (!function.IsMaskable && !BodyMasker.IsReadable(type));
        if (passes)
        {
            await environment.InBytes.CopyToAsync(environment.OutBytes, cancellation);
            await environment.OutBytes.FlushAsync(cancellation);
            explanation?.EndUnmasked(program.IsEmpty ? "no mask applies" : "the function is not maskable");
            return ExitCodes.Ok;
        }

        using BodyMasker masker = new();
        byte[] coding = Encoding.UTF8.GetBytes(request.ContentEncoding);
        bool keeps = masks.Any(mask => mask.KeepsEncoding);
        bool isMasked = masker.TryReset(program, type, coding, keeps, BodyLimits.Usual, explanation)
            && await FilterAsync(environment, masker, request.Chunk ?? ChunkBytes, cancellation);
        explanation?.End(isMasked ? masker.MaskedCount : -1, masker.RefusedBecause);
        return isMasked
            ? ExitCodes.Ok : environment.Fail("cannot be masked: " + masker.RefusedBecause, ExitCodes.NotMaskable);
    }

    // What is ready leaves with each chunk, so that a stream stays live behind a pipe.
    private static async Task<bool> FilterAsync(
        CommandEnvironment environment, BodyMasker masker, int chunkBytes, CancellationToken cancellation)
    {
        byte[] chunk = new byte[chunkBytes];
        ArrayBufferWriter<byte> output = new(chunkBytes);
        int count;
        while ((count = await environment.InBytes.ReadAsync(chunk, cancellation)) > 0)
        {
            MaskStatus status = masker.Write(chunk.AsSpan(0, count), output);
            await PassAsync(environment.OutBytes, output, cancellation);
            if (status == MaskStatus.Refused) return false;
        }

        bool isMasked = masker.Finish(output) == MaskStatus.Done;
        await PassAsync(environment.OutBytes, output, cancellation);
        return isMasked;
    }

    private static async Task PassAsync(
        Stream stream, ArrayBufferWriter<byte> output, CancellationToken cancellation)
    {
        if (output.WrittenCount == 0) return;
        await stream.WriteAsync(output.WrittenMemory, cancellation);
        await stream.FlushAsync(cancellation);
        output.Clear();
    }

    private static PolicySnapshot? Read(CommandEnvironment environment, string file)
    {
        try
        {
            PolicyReading reading = PolicyReader.Read(File.ReadAllText(file), MaskWords.All);
            if (reading.Errors.Count > 0) environment.Error.WriteLine(PolicyErrorText.Of(file, reading.Errors));
            return reading.Snapshot;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            environment.Fail(fault.Message);
            return null;
        }
    }

    private static Dictionary<string, TokenKey>? ReadKeys(CommandEnvironment environment, IReadOnlyList<string> given)
    {
        Dictionary<string, TokenKey> keys = new(StringComparer.Ordinal);
        foreach (string one in given)
        {
            int sign = one.IndexOf('=', StringComparison.Ordinal);
            SecretReference? reference = sign < 1 ? null : SecretReference.Parse(one[(sign + 1)..], Path.GetFullPath);
            if (reference is null)
            {
                environment.Fail("--key must be <name>=file:<path> or <name>=env:<NAME>, never the key itself");
                return null;
            }

            if (MaskKeyReader.TryOpen(reference, environment.Variables, out string fault) is not { } key)
            {
                environment.Fail($"--key {one[..sign]}: {fault}");
                return null;
            }

            keys[one[..sign]] = key;
        }

        return keys;
    }
}
