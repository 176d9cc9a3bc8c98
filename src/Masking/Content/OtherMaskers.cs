namespace Countersign.Masking.Content;

/// <summary>The maskers of what is not JSON, each made when it is first wanted.</summary>
internal sealed class OtherMaskers
{
    private SseMasker? _events;
    private FormMasker? _form;
    private TextMasker? _text;
    private MultipartMasker? _multipart;
    private PartMasker? _parts;

    /// <summary>What stands in place of texts.</summary>
    public MaskedText Texts { get; } = new();

    /// <summary>For event streams.</summary>
    public SseMasker Events => _events ??= new SseMasker();

    /// <summary>For forms.</summary>
    public FormMasker Form => _form ??= new FormMasker();

    /// <summary>For text.</summary>
    public TextMasker Text => _text ??= new TextMasker();

    /// <summary>For multiparts.</summary>
    public MultipartMasker Multipart => _multipart ??= new MultipartMasker();

    /// <summary>For the parts of multiparts.</summary>
    public PartMasker Parts => _parts ??= new PartMasker();
}
