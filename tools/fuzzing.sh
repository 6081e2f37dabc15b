# Fuzz targets: built in the asan tree (one sanitized build serves suite and fuzzers), run two at a time.

FUZZ_BUILD=$BUILD/asan

build_fuzz_targets() { build asan || give_up "the build failed"; }
fuzz_targets() { find tests/fuzz -name '*_fuzz.cpp' -printf '%f\n' | sed 's/_fuzz\.cpp$//' | sort; }

# fuzz_one TARGET SECONDS: seeds come from tests/fuzz/corpus/TARGET, what is new is kept under build/
fuzz_one() {
  local found=$BUILD/fuzz-corpus/$1 crashes=$BUILD/fuzz-findings/$1/ seeds=()
  mkdir -p "$found" "$crashes"
  [ ! -d "tests/fuzz/corpus/$1" ] || seeds=("tests/fuzz/corpus/$1")
  "$FUZZ_BUILD/fuzz_$1" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
    -artifact_prefix="$crashes" -print_final_stats=1 "$found" "${seeds[@]}"
}
say_runs() { sed -nE 's/^stat::number_of_executed_units: *([0-9]+)$/\1 inputs/p' "$1" | tail -n 1; }

# fuzz_pair SECONDS TARGET...: at most two side by side; each leaves its own log
fuzz_pair() {
  local each=$1 name status=0 pids=()
  shift
  for name in "$@"; do fuzz_one "$name" "$each" >"$LOGS/fuzz-$name.log" 2>&1 & pids+=($!); done
  for name in "${pids[@]}"; do wait "$name" || status=1; done
  for name in "$@"; do
    echo "$name: $(say_runs "$LOGS/fuzz-$name.log")"
    grep -E '^(SUMMARY|==[0-9]+==ERROR|artifact_prefix)' "$LOGS/fuzz-$name.log" || true
  done
  return $status
}

# fuzz_all SECONDS TARGET...
fuzz_all() {
  local each=$1 status=0
  shift
  FUZZED=$#
  while [ $# -gt 0 ]; do
    STEP_SAYS=say_pair step "fuzzing $1${2:+ and $2}, $each s" fuzz_pair "$each" "$1" ${2:+"$2"} || status=1
    shift; [ $# = 0 ] || shift
  done
  return $status
}
say_pair() { paste -sd ';' "$1" | sed 's/;/; /g'; }
