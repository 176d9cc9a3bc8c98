using System.Text;
using Countersign.Masking.Detectors;

namespace Countersign.Bench.Operations;

/// <summary>Every detector over values as a record has them, of which each detector finds one.</summary>
internal sealed class DetectValues : InlineOperation
{
    private const DetectorSet All = (DetectorSet)1023;

    private readonly byte[][] _values =
    [
        .. new[]
        {
            "Ada Winter", "4111 1111 1111 1111", "mail ada.winter@example.com, please", "123-45-6789", "17.50",
            "GB82 WEST 1234 5698 7654 32", "+1 415 555 2671", "AKIAIOSFODNN7EXAMPLE", "postgres://app:hunter2@db/x",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N", "password=a1B2c3D4e5F6", "a1B2c3D4e5F6",
            "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----", "the second reminder was sent",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    protected override void Run()
    {
        DetectorSet found = DetectorSet.None;
        foreach (byte[] value in _values)
        {
            DetectorSet possible = ValueFilter.Possible(value, All);
            int from = 0;
            while (ValueDetector.TryFind(value, possible, from, value.Length == 12, out Detection detection))
            {
                found |= detection.Detector;
                from = detection.End;
            }
        }

        Require(found == All);
    }
}
