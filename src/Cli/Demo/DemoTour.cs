using Countersign.Cli.Serve;

namespace Countersign.Cli.Demo;

/// <summary>What the demo prints for people: the seed story as commands that can be pasted.</summary>
internal static class DemoTour
{
    /// <summary>Prints the tour.</summary>
    internal static void Print(
        TextWriter output, GatewayProcess gateway, DemoIssuer.DemoIssuer identity,
        DemoFunctions.DemoFunctions functions)
    {
        output.WriteLine("Countersign demo. Everything runs in this process, on this machine only.");
        output.WriteLine();

        // First, since each is longer than a screen is wide: what to do with them stays in sight.
        output.WriteLine("Tokens of the demo's users, good for an hour; token(), below, asks for others:");
        output.WriteLine();
        foreach (string user in DemoIssuer.DemoIssuer.Users)
            output.WriteLine($"  {user.Replace('-', '_')}={identity.Mint(user)}");
        output.WriteLine();
        output.WriteLine($$"""
              data      {{gateway.DataAddress}}   callers reach functions here
              control   {{gateway.ControlAddress}}   approvers and operators work here
              console   {{gateway.ControlAddress}}/console   the same in a browser: sign in as bob, carol or olga
              issuer    {{identity.Address}}   POST /token user=<name> gives a token
              mcp       {{gateway.DataAddress}}/mcp   tools for an MCP client (Streamable HTTP) with a bearer token
              upstream  {{functions.Address}}   the functions themselves; GET /_seen shows what reached them
              audit     {{gateway.AuditFolder}}

            People: alice, nina (support; nina sees unmasked), bob, carol (finance-leads), sam (sre), dave (contractors), olga (policy-admins).
            Machines: ci-deploy (dave's CI job), agent-7 (acts for bob), agent-9 (owned by alice).

            In another terminal:

              token() { curl -s -d user=$1 {{identity.Address}}/token | sed 's/.*"access_token":"\([^"]*\)".*/\1/'; }

              # 1. A support person reads a billing account; what is sensitive is masked.
              curl -i -H "Authorization: Bearer $(token alice)" {{gateway.DataAddress}}/billing/42

              # 2. A CI job asks to wipe it: 428, nothing happens, and the answer holds an approval id.
              curl -i -X POST -H "Authorization: Bearer $(token ci-deploy)" {{gateway.DataAddress}}/billing/42/reset

              # 3. See what waits. dave stands behind the CI job, so he may not approve; carol may.
              export COUNTERSIGN_CONTROL={{gateway.ControlAddress}}
              COUNTERSIGN_TOKEN=$(token carol) countersign approvals list
              COUNTERSIGN_TOKEN=$(token dave)  countersign approvals approve --yes <id>
              COUNTERSIGN_TOKEN=$(token carol) countersign approvals approve <id>

              # 4. The same call again goes through, once.
              curl -i -X POST -H "Authorization: Bearer $(token ci-deploy)" -H "Countersign-Approval: <id>" {{gateway.DataAddress}}/billing/42/reset

              # 5. An MCP tool is a function too: one that reads answers masked, one that deletes waits as a call does.
              tool() { curl -s -H "Authorization: Bearer $(token alice)" -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"'$1'","arguments":{"id":"'$2'"} } }' {{gateway.DataAddress}}/mcp; }
              tool find_customer 2
              tool delete_customer 2

              # 6. Nobody can quietly edit what was written down.
              countersign audit verify {{gateway.AuditFolder}}

            (countersign = dotnet run -c Release --project src/Cli --)
            Ctrl+C ends the demo.
            """);
    }
}
