# shellcheck shell=bash
# What the stories of scripts/demo share: asking, printing, comparing. Needs scripts/lib/common.sh and a running stack.
# shellcheck disable=SC2034  # what is set here is for the stories

STACK=$LOCAL/stack.json
EXAMPLES=$ROOT/scripts/demo.d
WORK=$(mktemp -d)
WRONG=0

if [[ -t 1 ]]; then
    STRONG=$'\e[1m' GREEN=$'\e[1;32m' CRIMSON=$'\e[1;31m' FAINT=$'\e[2m' NORMAL=$'\e[0m'
else
    STRONG='' GREEN='' CRIMSON='' FAINT='' NORMAL=''
fi

# stack_value JQ_PATH: of stack.json; empty where there is none.
stack_value() { jq -r "$1 // empty" "$STACK"; }

# authorization NAME TOKEN: what curl's --config reads. A token goes through a file that only we can read: arguments are
# visible to everybody on the machine.
authorization() { (umask 077 && printf 'header = "Authorization: Bearer %s"\n' "$2" >"$WORK/$1"); }

# ask ADDRESS CURL_ARGUMENT...: the answer's body in $WORK/body, its fields in $WORK/fields, its status in STATUS.
ask() {
    local address=$1 ca
    local -a curl=(curl --silent --show-error --output "$WORK/body" --dump-header "$WORK/fields" --write-out '%{http_code}'
        --max-time 300)
    shift
    ca=$(stack_value .ca_file)
    [[ -z $ca ]] || curl+=(--cacert "$ca")
    STATUS=$("${curl[@]}" "$@" "$address") || die "No answer from $address"
}

# answer JQ_FILTER: of the last answer's body; empty where it is no JSON.
answer() { jq -r "$1" "$WORK/body" 2>/dev/null || true; }

# answer_field NAME: of the last answer.
answer_field() { sed -nE "s/^$1: (.*)\r$/\1/Ip" "$WORK/fields"; }

chapter() { printf '\n%s%s%s\n' "$STRONG" "$*" "$NORMAL"; }
faint() { printf '%s   %s%s\n' "$FAINT" "$*" "$NORMAL"; }
line() { printf '   %s\n' "$*"; }

# wrong TEXT: something is not as expected; the story goes on, the demo fails.
wrong() {
    WRONG=$((WRONG + 1))
    printf '   %snot as expected%s: %s\n' "$CRIMSON" "$NORMAL" "$*"
}

# expect WHAT EXPECTED FOUND
expect() { [[ $3 == "$2" ]] || wrong "$1 is ${3:-empty}, expected $2"; }
