# What every verb of ./dev shares: words on the screen, steps with times, packages, presets.
# Sourced by ./dev, never run by itself; the working directory is the top of the tree.

BUILD=${CALLGATE_BUILD:-build}
LOGS=$BUILD/logs
JOBS=${CALLGATE_JOBS:-$(nproc)}
mkdir -p "$LOGS"
# What was compiled in another clone need not be compiled in this one.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
# Needed for the cache to work with precompiled headers; no file here uses the time it is compiled at.
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime

if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]; then
  LIVE=yes BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' YELLOW=$'\e[33m' PLAIN=$'\e[0m' WIPE=$'\r\e[K'
else
  LIVE= BOLD= DIM= RED= GREEN= YELLOW= PLAIN= WIPE=
fi

headline() { printf '\n%scallgate%s · %s\n\n' "$BOLD" "$PLAIN" "$1"; }
note() { printf '    %s%s%s\n' "$DIM" "$1" "$PLAIN"; }
proved() { printf '\n%s%s%s\n' "$BOLD$GREEN" "$1" "$PLAIN"; }
give_up() {
  printf '\n%sdev: %s%s\n' "$RED" "$1" "$PLAIN" >&2
  exit "${2:-1}"
}
not_there_yet() { give_up "\`$1\` is not there yet in this version" 2; }

now_ms() { echo $(($(date +%s%N) / 1000000)); }
seconds() { printf '%d.%d s' $(($1 / 1000)) $(($1 % 1000 / 100)); }

# result_line MARK COLOUR WHAT MS [MORE]: one finished step
result_line() {
  printf '%s  %s%s%s %-46s %9s%s\n' "$WIPE" "$2" "$1" "$PLAIN" "$3" "$(seconds "$4")" "${5:+   $DIM$5$PLAIN}"
}

# last_words FILE: the newest line of a log, short enough for one line of the screen
last_words() { tail -c 400 "$1" 2>/dev/null | tr '\r' '\n' | grep -v '^[[:space:]]*$' | tail -n 1 | cut -c1-60 || true; }

# step WHAT COMMAND...: runs the command with its output in a log, shows that it lives, prints its time.
# Returns the command's status; STEP_LOG and STEP_MS say where the output is and how long it took.
step() {
  local what=$1 started status=0 spent ticks=0
  shift
  STEP_LOG=$LOGS/$(printf '%s' "$what" | tr -cs 'a-zA-Z0-9' '-' | cut -c1-60).log
  started=$(now_ms)
  "$@" >"$STEP_LOG" 2>&1 </dev/null &
  local pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    spent=$(($(now_ms) - started))
    if [ -n "$LIVE" ]; then
      printf '%s  %s·%s %-46s %9s   %s%s%s' "$WIPE" "$YELLOW" "$PLAIN" "$what" "$(seconds $spent)" "$DIM" "$(last_words "$STEP_LOG")" "$PLAIN"
    elif ((spent / 60000 > ticks)); then
      ticks=$((spent / 60000))
      note "$what: $ticks min so far; $(last_words "$STEP_LOG")"
    fi
  done
  wait "$pid" || status=$?
  STEP_MS=$(($(now_ms) - started))
  if [ "$status" = 0 ]; then
    result_line '✓' "$GREEN" "$what" "$STEP_MS" "${STEP_SAYS:+$("$STEP_SAYS" "$STEP_LOG")}"
  elif [ "$status" != "${STEP_SKIPS_ON:-none}" ]; then
    result_line '✗' "$RED" "$what" "$STEP_MS" "exit $status"
    tail -n "${STEP_TAIL:-40}" "$STEP_LOG" | sed 's/^/    │ /'
    note "the whole log: $STEP_LOG"
  fi
  return "$status"
}

# For STEP_SAYS: the line that a log ends with.
say_closing() { tail -n 1 "$1"; }

# ---- Debian packages -------------------------------------------------------------------------

BUILD_PACKAGES=(cmake ninja-build pkg-config ccache clang-19 lld-19 libclang-rt-19-dev llvm-19
  libboost1.81-dev libssl-dev libsimdjson-dev libsqlite3-dev libyaml-cpp-dev libre2-dev libfmt-dev libhiredis-dev
  libgtest-dev libgmock-dev ca-certificates python3)

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# need_packages NAME...: installs those that are missing; asks the network for nothing when none is
need_packages() {
  local missing=() name sudo=()
  if ! command -v dpkg-query >/dev/null; then
    note "this is not a Debian system: what is needed must already be here ($*)"
    return 0
  fi
  for name in "$@"; do installed "$name" || missing+=("$name"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || give_up "these packages are missing, and there is neither root nor sudo: ${missing[*]}"
    sudo -v || give_up "sudo is needed to install: ${missing[*]}"
    sudo=(sudo)
  fi
  if [ -z "${APT_REFRESHED:-}" ]; then
    step "refreshing the list of packages" "${sudo[@]}" apt-get update -q || give_up "apt-get update failed"
    APT_REFRESHED=yes
  fi
  note "packages: ${missing[*]}"
  step "installing ${#missing[@]} Debian packages" "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}" || give_up "apt-get install failed"
}

# need_store: a Redis or Valkey server for gateways that share one; Debian's, unless some is in PATH
need_store() { command -v valkey-server >/dev/null || command -v redis-server >/dev/null || need_packages redis-server; }

# need_node: Debian's nodejs and npm, unless some node and npm are there (other Node packages conflict with Debian's npm)
need_node() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then need_packages nodejs npm; fi
}

# python: Debian's own, so that a virtual environment outlives version managers
python() { if [ -x /usr/bin/python3 ]; then /usr/bin/python3 "$@"; else python3 "$@"; fi; }

# ---- builds ----------------------------------------------------------------------------------

configured() { [ -f "$BUILD/$1/build.ninja" ]; }
# Sanitized code is compiled without optimization: half the time, and the suite is short.
configure() {
  local flags=()
  [ "$1" != asan ] || flags=(-DCMAKE_CXX_FLAGS_DEBUG="-O0 -g1")
  cmake --preset "$1" -B "$BUILD/$1" "${flags[@]}"
}
compile() { ninja -C "$BUILD/$1" -j "$JOBS" "${@:2}"; }

# build PRESET [TARGET...]: configured when new, then built; ninja re-runs cmake by itself when needed
build() {
  need_packages "${BUILD_PACKAGES[@]}"
  configured "$1" || step "configuring ($1)" configure "$1" || return 1
  step "building ($1)${2:+: ${*:2}}" compile "$@" || return 1
}
