#!/bin/sh
# Reads a handwritten seven with curl. Usage: classify.sh [URL], default http://localhost:8000
set -eu
url=${1:-http://localhost:8000}
here=$(cd "$(dirname "$0")" && pwd)
curl --silent --show-error --fail-with-body \
  --data @"$here/../inputs/digits/seven-named.request.json" \
  "$url/v2/models/digits/infer"
echo
