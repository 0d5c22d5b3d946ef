# Keeps one PostgreSQL cluster for as long as somebody holds the other end of its standard input, and then takes
# everything away: so a test process leaves nothing behind, however it ends.
#
# usage: sh -c "$(cat keeper.sh)" keeper FOLDER_OF_THE_SERVERS_PROGRAMS
#
# Reads commands, one a line: init PASSWORD, start PORT, crash, stop. Answers each with what there is to say, and with
# `keeper: done` or `keeper: failed` on a line of its own. The last line that init says is the folder.

# What ends the tests must not end the one who tidies up after them.
trap '' HUP INT QUIT TERM PIPE
umask 077
# The server's log is searched, for a port that is taken.
export LC_ALL=C

command -v ps >/dev/null || { echo 'there is no ps: apt-get install procps'; exit 1; }

programs=$1
postmaster=

folder=$(mktemp -d "${TMPDIR:-/tmp}/tieline-postgres.XXXXXX" 2>/dev/null || mktemp -d /tmp/tieline-postgres.XXXXXX) || exit
trap take_away EXIT
cd "$folder" || exit

# Fills the folder. What initdb writes need not survive the machine; what the server writes is synced as ever.
init() {
    printf '%s\n' "$1" > password || return
    "$programs/initdb" --pgdata="$folder/data" --username=postgres --pwfile=password --auth=scram-sha-256 \
        --encoding=UTF8 --no-locale --no-sync > initdb.log 2>&1 || { cat initdb.log; return 1; }
    rm password || return
    # Shared memory is in the folder, and goes with it.
    cat >> data/postgresql.conf <<CONF || return
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
dynamic_shared_memory_type = mmap
CONF
    printf '%s\n' "$folder"
}

# The server is this shell's own child, and not pg_ctl's: a killed one is reaped here, whoever is the machine's init.
start() {
    ! is_running || { echo 'the server runs already'; return 1; }
    "$programs/postgres" -D "$folder/data" -p "$1" < /dev/null > server.log 2>&1 &
    postmaster=$!
    tries=3000
    until is_ready; do
        tries=$((tries - 1))
        if ! is_running || [ "$tries" -eq 0 ]; then
            tail -n 20 server.log
            ! is_running || crash
            return 1
        fi
        sleep 0.02
    done
}

# The server says so in the first and the eighth line of its lock file, which a crash leaves there.
is_ready() {
    # shellcheck disable=SC2046
    set -- $(sed -n '1p;8p' data/postmaster.pid 2>/dev/null)
    [ "$1" = "$postmaster" ] && [ "$2" = ready ]
}

# A power cut, as far as processes go: nobody gets to tidy up.
crash() {
    is_running || { echo 'the server does not run'; return 1; }
    # Stopped before its children are listed, so that it makes no other.
    kill -STOP "$postmaster"
    until ps -o stat= -p "$postmaster" | grep -q '^T'; do
        is_running || break
    done
    all="$postmaster $(children)"
    # shellcheck disable=SC2086
    kill -KILL $all 2>/dev/null
    is_over 3000 "$all"
}

stop() {
    is_running || { echo 'the server does not run'; return 1; }
    kill -INT "$postmaster"
    is_over 3000 "$postmaster" || { tail -n 20 server.log; return 1; }
}

# Waits for the server, and for the processes given if they are more.
is_over() {
    are_gone "$@" || return
    wait "$postmaster" 2>/dev/null
    postmaster=
}

children() {
    ps -A -o pid= -o ppid= | while read -r pid parent; do
        [ "$parent" != "$postmaster" ] || echo "$pid"
    done
}

is_running() {
    [ -n "$postmaster" ] && ! are_gone 0 "$postmaster"
}

# Whether these processes are over, after so many fiftieths of a second at most. A zombie is.
are_gone() {
    left=$1
    while ps -o stat= -p "$(echo "$2" | tr -s ' \n' ',,' | sed 's/,$//')" | grep -q '^[^Z]'; do
        [ "$left" -gt 0 ] || return 1
        left=$((left - 1))
        sleep 0.02
    done
}

take_away() {
    if is_running; then
        # At once, but with the time to give back what the system keeps for the server.
        kill -QUIT "$postmaster"
        are_gone 50 "$postmaster" || crash
    fi
    # What a crashed server could not give back: a segment of shared memory, named by the seventh line.
    # shellcheck disable=SC2046
    set -- $(sed -n 7p "$folder/data/postmaster.pid" 2>/dev/null)
    [ -z "$2" ] || ipcrm -m "$2" 2>/dev/null
    cd / && rm -rf "$folder"
}

while read -r command argument; do
    case $command in
        init) init "$argument" ;;
        start) start "$argument" ;;
        crash) crash ;;
        stop) stop ;;
        *) echo "there is no command $command"; false ;;
    esac && echo 'keeper: done' || echo 'keeper: failed'
done
