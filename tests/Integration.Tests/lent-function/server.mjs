// A function in another language: it knows where the control listener is, its own name and its own secret, and answers
// only to a credential that it could check with the published keys. What it found out is its answer.
//   node server.mjs <control> <issuer> <audience> <client> <secret>
import { createServer } from "node:http";
import { createRemoteJWKSet, jwtVerify } from "jose";

const [control, issuer, audience, client, secret] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL("/oauth/jwks", control), { cooldownDuration: 0, cacheMaxAge: 60_000 });

async function introspect(token) {
  const response = await fetch(new URL("/oauth/introspect", control), {
    method: "POST",
    headers: {
      authorization: "Basic " + Buffer.from(`${client}:${secret}`).toString("base64"),
      "content-type": "application/x-www-form-urlencoded",
    },
    body: new URLSearchParams({ token }),
  });
  return response.status === 200 ? await response.json() : { status: response.status };
}

const server = createServer(async (request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  try {
    const token = (request.headers.authorization ?? "").replace(/^Bearer /, "");
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer, audience, algorithms: ["ES256", "EdDSA"], requiredClaims: ["sub", "jti", "act", "exp"],
    });
    if (payload.jti !== request.headers["countersign-call"] && !request.url.startsWith("/node/again")) {
      return answer(401, { error: "lent for another call" });
    }
    answer(200, {
      credential: token,
      alg: protectedHeader.alg,
      kid: protectedHeader.kid,
      function: payload.sub,
      caller: payload.act.sub,
      introspection: await introspect(token),
    });
  } catch (fault) {
    answer(401, { error: String(fault.code ?? fault) });
  }
});
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ endpoint: `http://127.0.0.1:${server.address().port}` }));
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
