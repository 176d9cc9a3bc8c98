using Countersign.Masking.Detectors;

namespace Countersign.Masking;

/// <content>What a listener hears.</content>
public sealed partial class JsonMasker
{
    private IMaskListener? _listener;
    private MaskLocation? _location;

    private void Tell(int rule, MaskAction action, DetectorSet detector) =>
        _listener!.Masked(new MaskFinding(_location!.ToString(), action, rule, detector));
}
