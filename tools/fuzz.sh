# ./dev fuzz [TARGET] [SECONDS]
source tools/fuzzing.sh
target= each=60
for word in "$@"; do
  case $word in
    *[!0-9]*) target=$word ;;
    *) each=$word ;;
  esac
done
build_fuzz_targets
if [ -n "$target" ]; then
  [ -x "$FUZZ_BUILD/fuzz_$target" ] || give_up "no fuzz target \`$target\`; there are: $(fuzz_targets | tr '\n' ' ')" 2
  fuzz_all "$each" "$target" || give_up "the fuzzer found something"
else
  # shellcheck disable=SC2046
  fuzz_all "$each" $(fuzz_targets) || give_up "the fuzzer found something"
fi
proved "$FUZZED fuzz target(s) ran $each s each under AddressSanitizer and UBSan without a finding"
