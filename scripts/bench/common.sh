# What the benchmark scripts share: sourced by them, not run.
#
# Servers are started in process groups of their own and all of them are ended when the script ends,
# however it ends. Figures are kept as lines of JSON, one file per case, and read back with sed, so
# that nothing but bash, awk and the compiler is needed.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bench=$root/scripts/bench
programs=${CARGO_TARGET_DIR:-$root/target}/release
scratch=$(mktemp -d)
groups=()
missed=0

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null; }

# Everything that was started ends with the script.
clean_up() {
    local group
    for group in "${groups[@]}"; do
        kill -KILL -- "-$group" 2>/dev/null || true
    done
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

[[ $(uname -s) == Linux ]] || die "measure: processor time and memory are read from /proc, which only Linux has"

# build PACKAGE...: our programs and the load generator, optimized.
build() {
    local packages=() package
    for package in "$@"; do packages+=(-p "$package"); done
    echo "building $* and echoload ..." >&2
    cargo build --quiet --release --locked --manifest-path "$root/Cargo.toml" "${packages[@]}"
    # Not into a shared target folder: a workspace of its own keeps its own.
    CARGO_TARGET_DIR=$bench/echoload/target \
        cargo build --quiet --release --locked --manifest-path "$bench/echoload/Cargo.toml"
    echoload=$bench/echoload/target/release/echoload
}

# lift_descriptor_limit COUNT: as many descriptors as the system lets us have, at least COUNT.
lift_descriptor_limit() {
    ulimit -n "$(ulimit -Hn)"
    [[ $(ulimit -n) == unlimited ]] || (($(ulimit -n) >= $1)) ||
        die "open $1 descriptors: the system allows $(ulimit -n); raise the limit with ulimit -Hn"
}

# be_urgent: servers and load generator run before everything else on the machine (SCHED_RR,
# sched(7)), for a machine that is never quiet. Needs root. Both ends and all peers get the same. Only
# for servers of one thread: real-time threads take turns in another way than a default system's, and
# Python's, which share one lock, came out half as fast again.
urgently=()
be_urgent() {
    urgently=(chrt --rr 1)
    "${urgently[@]}" true 2>/dev/null || die "run with chrt --rr: needs chrt and root; leave out --urgent"
    # What others get is what we leave, so it says little about how much they disturb.
    calm=200
}

# load ECHOLOAD-ARGUMENTS...: runs the generator, in a session of its own like the servers, and where
# `before_load` (a command that runs another) puts it.
before_load=()
load() { setsid --wait "${urgently[@]}" "${before_load[@]}" "$echoload" "$@"; }

# start_server LOG COMMAND...: waits until the server says where it listens and leaves that in
# server_address, its process in server_pid. Its errors go to $server_stderr if that is set.
start_server() {
    local log=$1 tries
    shift
    : >"$log"
    setsid "${urgently[@]}" "$@" </dev/null >>"$log" 2>>"${server_stderr:-$log}" &
    server_pid=$!
    groups+=("$server_pid")
    for ((tries = 0; tries < 500; tries++)); do
        # Ours and Python say `listening on A:P`, socat `listening on AF=2 A:P`, ncat `Listening on A:P`.
        server_address=$(sed -n 's/.*[Ll]istening on \(AF=2 \)\{0,1\}\([0-9.]*:[0-9]*\)$/\2/p' "$log" | head -n 1)
        [[ -z $server_address ]] || return 0
        kill -0 "$server_pid" 2>/dev/null || break
        sleep 0.02
    done
    echo "${0##*/}: start $1: it did not say where it listens; its output was:" >&2
    head -n 5 "$log" >&2
    stop_server
    return 1
}

# Ends the server that was started last, with its children, and waits until they are gone.
stop_server() {
    local tries
    kill -TERM -- "-$server_pid" 2>/dev/null || true
    for ((tries = 0; tries < 250; tries++)); do
        kill -0 -- "-$server_pid" 2>/dev/null || break
        sleep 0.02
    done
    kill -KILL -- "-$server_pid" 2>/dev/null || true
    wait "$server_pid" 2>/dev/null || true
}

# keep_if_calm LINE FILE TRY: adds a run's figures to the case's file, unless other programs used more
# than $calm percent of the machine meanwhile: then fails, so that the caller runs it again. The last
# of $tries_max is kept whatever it is; how disturbed a figure is stands beside it.
readonly tries_max=5
calm=10
keep_if_calm() {
    local others
    others=$(sed -n 's/.*"others_cpu_percent":\([0-9.]*\).*/\1/p' <<<"$1")
    if (($3 < tries_max)) && awk -v o="${others:-0}" -v c="$calm" 'BEGIN {exit !(o > c)}'; then
        echo "  again in $3 s: others used $others % of the machine" >&2
        sleep "$3"
        return 1
    fi
    echo "$1" >>"$2"
}

# values NAME FILE: one figure of every round, one a line, smallest first.
values() {
    [[ -s $2 ]] || return 0
    sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" "$2" | sort -g
}

median() { values "$1" "$2" | awk '{v[NR]=$1} END {if (NR) print (v[int((NR+1)/2)] + v[int((NR+2)/2)]) / 2; else print "-"}'; }
lowest() { values "$1" "$2" | head -n 1; }
highest() { values "$1" "$2" | tail -n 1; }
total() { values "$1" "$2" | awk '{s+=$1} END {print s+0}'; }

# ratio A B: A divided by B, two decimals.
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {if (b > 0) printf "%.2f", a / b; else print "-"}'; }

# best_of NAME FILE...: the file with the largest median of the figure.
best_of() {
    local name=$1 file
    shift
    for file in "$@"; do
        [[ ! -s $file ]] || echo "$(median "$name" "$file") $file"
    done | sort -g | tail -n 1 | cut -d ' ' -f 2-
}

# bar WHAT VALUE at-least|at-most LIMIT [UNIT]: says whether our figure keeps its promise.
bar() {
    local word=met
    if ! awk -v v="$2" -v how="$3" -v l="$4" \
        'BEGIN {exit !(v != "-" && v != "" && (how == "at-least" ? v + 0 >= l + 0 : v + 0 <= l + 0))}'; then
        word=MISSED
        missed=$((missed + 1))
    fi
    printf '  %-44s %10s   bar: %s %s%s: %s\n' "$1" "$2" "${3/-/ }" "$4" "${5:+ $5}" "$word"
}

# say_machine [HOW-QUIET]: the lines that every table begins with.
say_machine() {
    local model
    model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
    echo "machine: ${model:-$(uname -m)}, $(nproc) cores, Linux $(uname -r), loopback; load before: $(cut -d ' ' -f 1 /proc/loadavg)"
    if [[ -n ${1:-} ]]; then
        echo "quiet:   $1"
    elif ((${#urgently[@]})); then
        echo "quiet:   no; servers and generator ran with real-time priority (SCHED_RR), before all else"
    else
        echo "quiet:   a run was repeated, up to $tries_max times, when others used over $calm % of the machine (\`others\`: the median kept)"
    fi
    echo "commit:  $(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown), $(rustc --version)"
}

# Fails when a bar was missed, so that a script can rely on it.
finish() {
    ((missed == 0)) || die "$missed bar(s) missed"
}
