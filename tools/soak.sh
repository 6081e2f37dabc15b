# ./dev soak [ARGUMENTS]: without any, first the long forms of the fault tests; arguments go to bench/soak.py alone
need_packages "${BUILD_PACKAGES[@]}"
build release callgate busy-journal bench-load bench-upstream || give_up "the build failed"

# long_fault WHAT FILE [NAME=VALUE]: one of the tests of faults, at its full numbers
long_fault() {
  STEP_SAYS=say_closing step "$1" env CALLGATE="$BUILD/release/callgate" "${@:3}" python3 -B "tests/upstreams/$2" || give_up "$1: see $STEP_LOG"
}

if [ $# = 0 ]; then
  long_fault "killed at 200 moments" kill_test.py CALLGATE_KILLS=200
  long_fault "ready after 10,000,000 recorded calls" start_time_test.py BUSY_JOURNAL="$BUILD/release/busy-journal" CALLGATE_JOURNAL_CALLS=10000000
  long_fault "1,000 policies exchanged under load, and endings" process_test.py CALLGATE_RELOADS=1000
  long_fault "100 restarts, 10,000 idle, 1,000 slow" load_test.py CALLGATE_LONG=1
  long_fault "servers that do not keep to the protocol" hostile_server_test.py CALLGATE_DEATHS=100
fi
status=0
python3 -B bench/soak.py --callgate "$BUILD/release/callgate" --bin "$BUILD/release/bench" "$@" || status=$?
[ $status = 0 ] || give_up "something grew, or an answer was wrong" $status
proved "sessions came and went, every answer was right, and nothing grew"
