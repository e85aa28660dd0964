#!/bin/sh
# A second opinion on contracts/: Redocly on OpenAPI, the reference parser on AsyncAPI. No error and no warning.
set -eu
cd "$(dirname "$0")/../.."
node=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
if [ "$node" -lt 20 ] || ! command -v npm >/dev/null; then
  echo "roadbook: make test-contracts needs Node 20 or newer with npm (nothing else here does): install it, run this again" >&2
  exit 1
fi
tools=deploy/contracts
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
# npm says nothing when all goes well, and all it has to say when not
npm ci --prefix "$tools" --silent || npm ci --prefix "$tools"
"$tools/node_modules/.bin/redocly" lint --config "$tools/redocly.yaml" --max-problems 1000 contracts/openapi/*.json
node "$tools/validate.mjs" contracts/asyncapi/*.yaml
.venv/bin/openapi-spec-validator contracts/openapi/*.json
