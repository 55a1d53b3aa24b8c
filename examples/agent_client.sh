#!/bin/sh
# Asks an agent of smartcard-dm with curl alone: the accounts, and the verdict on a message.
#
#   agent_client.sh SOCKET             the accounts, one ServerID on a line
#   agent_client.sh SOCKET MESSAGE     the verdict on a WBXML message that you hand over
#
# Exit: 0 done or authorized, 1 refused, 2 usage, 3 the agent or its card. docs/agent.md describes the calls.
set -eu

usage() {
    echo "usage: agent_client.sh SOCKET [MESSAGE]" >&2
    exit 2
}

# Prints the text of every member of a name, one on a line, as JSON spells it.
texts() {
    grep -o "\"$1\": *\"\([^\"\\\\]\|\\\\.\)*\"" | sed "s/^\"$1\": *\"//; s/\"\$//"
}

# Prints the answer to a call, or what is wrong and ends: the last line that curl prints is the status.
ask() {
    answer=$(curl --silent --show-error --max-time 30 --max-filesize 16777216 --unix-socket "$socket" \
        --write-out '\n%{http_code}' "$@") || exit 3
    json=${answer%
*}
    if [ "${answer##*
}" != 200 ]; then
        echo "agent_client.sh: $socket: $(printf '%s' "$json" | texts detail)" >&2
        exit 3
    fi
    printf '%s' "$json"
}

[ $# -eq 1 ] || [ $# -eq 2 ] || usage
socket=$1
if [ $# -eq 1 ]; then
    found=$(ask http://agent/v1/accounts) || exit
    printf '%s' "$found" | texts server_id || true # a card may have none
    exit 0
fi
found=$(ask --header 'Content-Type: application/vnd.syncml.dm+wbxml' --data-binary "@$2" \
    'http://agent/v1/verify?transport=local') || exit
verdict=$(printf '%s' "$found" | texts verdict | head -n 1)
echo "$verdict: $(printf '%s' "$found" | texts detail | head -n 1)"
[ "$verdict" = authorized ] || exit 1
