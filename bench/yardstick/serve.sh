#!/usr/bin/env bash
# Starts the gateway with everything on (tokens, policy, lent credentials, masks, audit) for the side-by-side yardstick,
# which has the origin and the tokens, and prints what to give it as --candidate. Stop it with: kill $(cat FOLDER/pid)
#   bench/yardstick/serve.sh PORT FOLDER [TRANSPORT]     FOLDER is made anew; PERF_DIR is the yardstick's own
set -euo pipefail
if [ $# -lt 2 ]; then sed -n '2,4s/^# *//p' "$0" >&2; exit 2; fi
port=$1 folder=$(realpath -m "$2") transport=${3:-sockets}
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
perf=${PERF_DIR:-${TMPDIR:-/tmp}/perf}
[ -f "$perf/jwt.pub.pem" ] || { echo "no keys in $perf: run the yardstick's setup.sh, or set PERF_DIR" >&2; exit 2; }
if [ -e "$folder" ] && [ ! -f "$folder/countersign.json" ]; then
  echo "$folder is there, and not of an earlier run" >&2
  exit 2
fi
rm -rf "$folder"
mkdir -p "$folder"
cat >"$folder/countersign.json" <<JSON
{
  "gateway": { "name": "yardstick" },
  "data": { "listen": ["127.0.0.1:$port"], "transport": "$transport" },
  "control": { "listen": ["127.0.0.1:$((port + 1))"] },
  "store": { "embedded": "$folder/store" },
  "identity": {
    "issuers": [{
      "issuer": "https://issuer.test", "audiences": ["gateway"], "keys": "$perf/jwt.pub.pem",
      "groups": "roles", "defaultKind": "service"
    }]
  },
  "audit": { "folder": "$folder/audit" },
  "secrets": { "sealingKey": "file:$folder/sealing.key" },
  "policy": { "bootstrap": "$here/policy.yaml" }
}
JSON
dotnet build -c Release -v q -nologo "$here/../../src/Cli" >&2
cd "$folder"
dotnet "$here/../../src/Cli/bin/Release/net10.0/countersign.dll" serve --config countersign.json >log 2>&1 </dev/null &
pid=$!
echo "$pid" >pid
for _ in $(seq 100); do
  if curl -s -o /dev/null "http://127.0.0.1:$port/"; then
    echo "gateway=http://127.0.0.1:$port,pid=$pid,work=1"
    exit 0
  fi
  kill -0 "$pid" 2>/dev/null || break
  sleep 0.2
done
cat log >&2
exit 1
