# The test suite of one preset, as ./dev test, ./dev asan and ./dev tsan run it.

# A finding must end the test program; leaks of the test framework's own threads are not ours to hide.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}
SYMBOLIZER=$(command -v llvm-symbolizer-19 || true)
[ -z "$SYMBOLIZER" ] || export ASAN_SYMBOLIZER_PATH=$SYMBOLIZER TSAN_SYMBOLIZER_PATH=$SYMBOLIZER

run_ctest() { ctest --test-dir "$BUILD/$1" --output-on-failure --verbose --parallel "$JOBS" "${@:2}"; }

# cases_in LOG: how many single tests (GoogleTest cases, unittest cases, house rules) a ctest log holds
cases_passed() { sed -nE 's/^[0-9]+: \[  PASSED  \] ([0-9]+) tests?\.$/\1/p; s/^[0-9]+: ([0-9]+) passed.*$/\1/p' "$1" | awk '{n += $1} END {print n + 0}'; }
cases_failed() { sed -nE 's/^[0-9]+: ?\[  FAILED  \] ([0-9]+) tests?, listed.*$/\1/p; s/^[0-9]+: [0-9]+ passed, ([0-9]+) failed.*$/\1/p' "$1" | awk '{n += $1} END {print n + 0}'; }
say_cases() { echo "$(cases_passed "$1") passed"; }

# Programs run side by side, so their lines are mixed: what each one that failed said last, by itself.
say_what_failed() {
  local number name
  sed -nE 's/^\t *([0-9]+) - ([^ ]+) \(.*$/\1 \2/p' "$1" | while read -r number name; do
    echo "    $name:"
    grep "^$number: " "$1" | grep -vE '^[0-9]+: (ok |\[ +(RUN|OK) +\]|\[-+\]|$)' | tail -n 80 | sed -E 's/^[0-9]+: /    │ /'
  done
}

# suite PRESET [whole|program]: builds it, runs it, shows ctest's own closing line; `program` is what runs the
# program itself, and needs no test program of a room
suite() {
  local status=0 part=${2:-whole} targets=() tests=()
  [ "$part" = whole ] || targets=(callgate) tests=(--label-exclude unit)
  need_store
  build "$1" "${targets[@]}" || give_up "the build failed"
  STEP_SAYS=say_cases STEP_TAIL=5 step "running the suite ($1)" run_ctest "$1" "${tests[@]}" || status=$?
  [ "$status" = 0 ] || say_what_failed "$STEP_LOG"
  sed -n '/tests passed,/p' "$STEP_LOG" | sed 's/^/    /'
  SUITE_LOG=$STEP_LOG
  return $status
}
