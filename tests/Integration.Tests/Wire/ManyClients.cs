using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Countersign.Integration.Tests.Wire;

/// <summary>What tests of many connections at once share.</summary>
internal static class ManyClients
{
    /// <summary>How many descriptors the process may have open; 0 where nobody says.</summary>
    internal static int DescriptorsMax()
    {
        const string Name = "Max open files";
        const string Limits = "/proc/self/limits";
        if (!File.Exists(Limits)) return 0;
        string line = File.ReadLines(Limits).First(one => one.StartsWith(Name, StringComparison.Ordinal));

        // Soft, then hard: the runtime raises its processes to the hard one.
        string hard = line[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        return int.TryParse(hard, CultureInfo.InvariantCulture, out int most) ? most : int.MaxValue;
    }

    /// <summary>Connects.</summary>
    internal static Socket Connect(string address)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPEndPoint.Parse(new Uri(address).Authority));
        return socket;
    }

    /// <summary>What a client's own socket takes of this process's heap: of sockets to a listener that nobody accepts
    /// from.</summary>
    internal static double SocketBytes()
    {
        const int Clients = 500;
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(Clients);
        string address = "http://" + listener.LocalEndPoint;
        List<Socket> clients = new(Clients);
        Connect(address).Dispose();
        long before = Heap();
        while (clients.Count < Clients) clients.Add(Connect(address));
        long after = Heap();
        foreach (Socket client in clients) client.Dispose();
        return (after - before) / (double)Clients;
    }

    /// <summary>What lives on this process's heap.</summary>
    internal static long Heap()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
