# ./dev soak [ARGUMENTS]: without any, first the long forms of the fault tests; arguments go to bench/soak.py alone
need_packages "${BUILD_PACKAGES[@]}"
build release callgate busy-journal bench-load bench-upstream || give_up "the build failed"

# long_fault WHAT FILE [CLASS...]: one of the tests of faults, with the figures that it prints
long_fault() {
  STEP_SAYS=say_closing step "$1" env CALLGATE="$BUILD/release/callgate" python3 -B "tests/upstreams/$2" "${@:3}" || give_up "$1: see $STEP_LOG"
  grep -E '^ {8}[^ ]' "$STEP_LOG" | sed -E 's/^ +/    /' || true
}

if [ $# = 0 ]; then
  # ./dev test kills at 40 moments; the others are there as they are here, of a program that is not as fast.
  CALLGATE_KILLS=200 long_fault "killed at 200 moments" kill_test.py
  BUSY_JOURNAL="$BUILD/release/busy-journal" CALLGATE_JOURNAL_CALLS=10000000 long_fault "ready after 10,000,000 recorded calls" start_time_test.py
  long_fault "a server that is gone 100 times" restarts_test.py
  long_fault "1,000 policies exchanged under load" process_test.py Reloads
  long_fault "1,000 in flight at the end, 10,000 idle, 1,000 slow" load_test.py
  long_fault "answers without end, many small values" memory_test.py
  long_fault "servers that do not keep to the protocol" bad_server_test.py
fi
status=0
python3 -B bench/soak.py --callgate "$BUILD/release/callgate" --bin "$BUILD/release/bench" "$@" || status=$?
[ $status = 0 ] || give_up "something grew, or an answer was wrong" $status
proved "sessions came and went, every answer was right, and nothing grew"
