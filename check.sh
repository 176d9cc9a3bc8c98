#!/usr/bin/env bash
# The one command: installs what is missing, formats, builds, tests, gates allocations, fuzzes and loads for a moment.
# CI runs this same script. The last line is "N passed, N failed" over all test projects.
#   ./check.sh            everything
#   ./check.sh --quick    no fuzzing beyond the tests' own, no allocation gate, no load
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
quick=0; [ "${1:-}" = "--quick" ] && quick=1
say() { printf '\n== %s\n' "$*"; }

say "tools"
missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
# The tests start clusters of their own, so none is made at its installation.
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing+=(postgresql)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null \
  || missing+=(chromium-headless-shell fonts-dejavu-core)
command -v xmlsec1 >/dev/null || missing+=(xmlsec1)
# SimpleSAMLphp runs in PHP's own server; php-cgi and micro-httpd only keep it from asking for Apache.
[ -d /usr/share/simplesamlphp/www ] && command -v php >/dev/null \
  || missing+=(simplesamlphp php-cli php-cgi php-xml php-mbstring micro-httpd)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 # RUNLEVEL=1: package scripts start no service
    apt-get update -qq
    if [[ " ${missing[*]} " == *" postgresql "* ]]; then
      mkdir -p /etc/postgresql-common/createcluster.d
      echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/no-cluster.conf
    fi
    apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "Please install: ${missing[*]}   (Debian: apt-get install ${missing[*]})" >&2
    exit 2
  fi
fi
if ! dotnet --version >/dev/null 2>&1; then
  echo "Please install the .NET SDK that global.json names: $(grep -o '"version": "[^"]*"' global.json)" >&2
  exit 2
fi
npm ci --prefix tests/Integration.Tests/oidc-provider --no-audit --no-fund --loglevel=error
npm ci --prefix tests/Integration.Tests/json-schema --no-audit --no-fund --loglevel=error
npm ci --prefix tests/Integration.Tests/lent-function --no-audit --no-fund --loglevel=error

say "format"
dotnet restore DataPlane.sln -v q
dotnet format whitespace DataPlane.sln --no-restore --verify-no-changes

say "build"
dotnet build DataPlane.sln -c Release --no-restore -v q -nologo

say "test"
log=$(mktemp)
passed=0 failed=0 broken=0
for project in tests/*.Tests/*.csproj tests/Fuzz/Fuzz.csproj; do
  name=$(basename "$project" .csproj)
  # A runner that stands still is ended, and counts as failed.
  code=0
  timeout -k 10 900 dotnet test --project "$project" -c Release --no-build --no-restore >"$log" 2>&1 || code=$?
  ok=$(sed -n 's/^ *succeeded: *\([0-9]*\).*/\1/p' "$log" | tail -1)
  bad=$(sed -n 's/^ *failed: *\([0-9]*\).*/\1/p' "$log" | tail -1)
  passed=$((passed + ${ok:-0})) failed=$((failed + ${bad:-0}))
  printf '%-22s %6s passed %4s failed\n' "$name" "${ok:-0}" "${bad:-0}"
  if [ "$code" != 0 ]; then
    cat "$log"
    # A runner that died counts as a failure even where it could count none itself.
    [ "${bad:-0}" != 0 ] || broken=$((broken + 1))
  elif [ "${ok:-0}" = 0 ]; then
    cat "$log"
    broken=$((broken + 1))
  fi
done
rm -f "$log"

if [ "$quick" = 0 ]; then
  say "allocations"
  # What grew grows again; what other work on the machine added does not.
  dotnet run -c Release --no-build --project bench -- --gate \
    || dotnet run -c Release --no-build --project bench -- --gate || broken=$((broken + 1))
  say "load"
  dotnet run -c Release --no-build --project loadtests -- --rate 200 --seconds 5 || broken=$((broken + 1))
fi

failed=$((failed + broken))
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
