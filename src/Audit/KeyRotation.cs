using System.Text;

namespace Countersign.Audit;

/// <summary>
/// Gives a log a new signing key. The new seed is put beside the old; whoever opens the log next proves its entries,
/// lets both keys sign that the one follows the other (<see cref="KeyHandover"/>), and removes the old seed. Killed at
/// any point, the next opening finishes what was begun.
/// </summary>
public static class KeyRotation
{
    /// <summary>
    /// Makes the next key of the log in a folder, unless one waits already. It takes effect when the log is opened.
    /// </summary>
    /// <returns>The key that will sign; null where the folder holds no log, or its keys are malformed.</returns>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    public static AuditKey? Prepare(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (!AuditKeyChain.TryRead(folder, out AuditKeyChain? chain)) return null;
        byte[] seed = LogKey.ReadOrCreate(Path.Combine(folder, LogFolder.NextSeedFile));
        using LogKey? next = LogKey.FromSeed(chain!.First.Name, seed);
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(seed);
        return next?.Public;
    }

    /// <summary>The key that waits for its turn; null for none.</summary>
    internal static LogKey? Waiting(AuditLogOptions options)
    {
        string path = Path.Combine(options.Folder, LogFolder.NextSeedFile);
        if (!options.KeySeed.IsEmpty || !File.Exists(path)) return null;
        byte[] seed = File.ReadAllBytes(path);
        LogKey? key = LogKey.FromSeed(options.Origin, seed);
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(seed);
        return key;
    }

    /// <summary>
    /// Hands over at a root that was proven and is on disk. The order matters: until the hand-over is in its place the
    /// old key is the log's, and each file before that is one that both keys signed.
    /// </summary>
    internal static KeyHandover HandOver(
        IAuditStorage storage, string folder, AuditKeyChain chain, LogKey from, LogKey to, MerkleFrontier at)
    {
        Span<byte> root = stackalloc byte[AuditLimits.HashBytes];
        at.Root(root);
        KeyHandover handover = KeyHandover.Sign(from, to, at.Size, root);
        long held = Retention.FirstHeld(folder, from.Public);
        if (held > 0) storage.Replace(Path.Combine(folder, LogFolder.RetainedFile), Retention.Note(held, from, to));
        storage.Replace(Path.Combine(folder, LogFolder.CheckpointFile), handover.Head.Note.Span);
        string keys = Path.Combine(folder, LogFolder.KeysFolder);
        storage.Replace(
            Path.Combine(keys, AuditKeyChain.NameOf(chain.Handovers.Count + 1)), handover.Head.Note.Span);
        storage.FlushFolder(folder);
        Finish(storage, folder, to.Public);
        return handover;
    }

    /// <summary>The public key's file, and the new seed in the place of the old, which is gone by that.</summary>
    internal static void Finish(IAuditStorage storage, string folder, AuditKey current)
    {
        storage.Replace(Path.Combine(folder, LogFolder.KeyFile), Encoding.UTF8.GetBytes(current + "\n"));
        File.Move(
            Path.Combine(folder, LogFolder.NextSeedFile), Path.Combine(folder, LogFolder.SeedFile), overwrite: true);
        storage.FlushFolder(folder);
    }
}
