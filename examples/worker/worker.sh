#!/bin/sh
# A worker with curl alone. TUTTI_URL and TUTTI_TOKEN say where it works, and as whom.
set -u

# ask <mutation> <what of its success> <members of its input>
ask() {
  type=$(printf %s "$1" | cut -c1 | tr '[:lower:]' '[:upper:]')$(printf %s "$1" | cut -c2-)
  query="mutation { $1(input: { $3 }) { __typename ... on ${type}Success { $2 } ... on Error { message } } }"
  printf '{"query":"%s"}' "$(printf %s "$query" | sed 's/["\\]/\\&/g')" |
    curl -sS --max-time 60 --data-binary @- -H 'content-type: application/json' \
      ${TUTTI_TOKEN:+-H "authorization: Bearer $TUTTI_TOKEN"} "${TUTTI_URL:-http://127.0.0.1:4000}/graphql"
}

# The value of a member in a flat piece of JSON.
value() { printf %s "$2" | sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

while :; do
  claim=$(ask claimWork 'work { attempt fence }' "agent: \"surveyor\", worker: \"$(hostname)\", waitMs: 20000")
  attempt=$(value attempt "$claim")
  if [ -z "$attempt" ]; then
    case $claim in *'"work":null'*) ;; *) echo "no work: $claim" >&2 && sleep 2 ;; esac
    continue
  fi
  held="attempt: \"$attempt\", fence: $(value fence "$claim")"

  # Signs of life, until the work is done.
  while sleep 5; do ask heartbeat canceled "$held" >/dev/null; done &
  beating=$!
  ask reportActivity canceled "$held, activities: [{ kind: ACTION, text: \"uname\" }]" >/dev/null
  output="{ system: \"$(uname -s)\", processor: \"$(uname -m)\" }"
  ask completeWork replayed "$held, summary: \"$(uname -s) on $(uname -m).\", output: $output" >&2
  echo >&2
  kill "$beating"
done
