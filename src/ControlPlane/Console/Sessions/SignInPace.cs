using System.Net;
using System.Net.Sockets;

namespace Countersign.ControlPlane.Console.Sessions;

/// <summary>
/// How often signing in may be tried: by one address, and by all together. Counted by the minute, and forgotten with
/// it, so that what is remembered is bounded.
/// </summary>
internal sealed class SignInPace(TimeProvider clock)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, int> _steps = [];
    private long _minute;
    private int _stepsOfAll;

    /// <summary>True when one more step may be taken now.</summary>
    public bool TryStep(IPAddress? address)
    {
        long minute = clock.GetUtcNow().ToUnixTimeSeconds() / 60;
        IPAddress from = Network(address ?? IPAddress.None);
        lock (_gate)
        {
            if (minute != _minute)
            {
                _minute = minute;
                _steps.Clear();
                _stepsOfAll = 0;
            }

            if (_stepsOfAll >= ConsoleLimits.SignInStepsPerMinuteOfAll) return false;
            int steps = _steps.GetValueOrDefault(from);
            if (steps >= ConsoleLimits.SignInStepsPerMinute) return false;
            bool hasRoom = _steps.Count < ConsoleLimits.AddressesRememberedMax || _steps.ContainsKey(from);
            if (hasRoom) _steps[from] = steps + 1;
            _stepsOfAll++;
            return true;
        }
    }

    // Whoever has one IPv6 address usually has 2^64 of them.
    private static IPAddress Network(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address;
        byte[] bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }
}
