namespace Countersign.Masking.Tests.Detectors;

public sealed class HighEntropySecretTests
{
    [Theory]
    [InlineData("app_password", "xkqz vbnw plmt rfgh", "***")]
    [InlineData("app_password", "xkqz-vbnw-plmt-rfgh", "***")]
    [InlineData("app_password", " xkqz vbnw plmt rfgh\n", " ***\n")]
    [InlineData("app_password", "xkqz vbnw-plmt rfgh", "xkqz vbnw-plmt rfgh")]
    [InlineData("app_password", "xkqz vbnw plmt rfg", "xkqz vbnw plmt rfg")]
    [InlineData("app_password", "xkqz vbnw plmt rfgh jsdp", "xkqz vbnw plmt rfgh jsdp")]
    [InlineData("app_password", "xkqz  vbnw plmt rfgh", "xkqz  vbnw plmt rfgh")]
    [InlineData("app_password", "test test test test", "test test test test")]
    [InlineData("app_password", "correct horse battery staple", "correct horse battery staple")]
    [InlineData("note", "xkqz vbnw plmt rfgh", "xkqz vbnw plmt rfgh")]
    [InlineData("note", "password=xkqz vbnw plmt rfgh", "password=***")]
    [InlineData("note", "password: \"xkqz vbnw plmt rfgh\", ok", "password: \"***\", ok")]
    [InlineData("note", "password: xkqz-vbnw-plmt-rfgh\nok", "password: ***\nok")]
    [InlineData("note", "password: xkqz vbnw plmt rfgh ok", "password: xkqz vbnw plmt rfgh ok")]
    [InlineData("note", "password: xkqz vbnw plmt rfgh.", "password: xkqz vbnw plmt rfgh.")]
    public void Passwords_of_apps_are_four_groups_of_four_letters(string name, string given, string expected)
    {
        // Proves that the form is found where it is all of a value, and that sentences, other groups and letters that
        // repeat are none.
        EveryWay.AssertMasks(name, given, expected);
    }
}
