# ./dev conformance [--revision R] [--behind http|stdio]; with an option, the suite only
source tools/packages.sh
source tools/matrix.sh
need_node
status=0
node_packages tests/conformance || status=$?
[ $status = 0 ] || give_up "the suite is an npm package, and npm could not be used" 3
build release callgate || give_up "the build failed"
status=0
step "the public suite, directly and through the gate" \
  node tests/conformance/conformance.mjs --gate "$BUILD/release/callgate" --packages "$PACKAGES/conformance" "$@" || status=$?
sed 's/^/    /' "$STEP_LOG"
[ $status = 0 ] || give_up "the suite sees the gate"
if [ $# = 0 ]; then
  matrix_packages || give_up "the clients of the matrix could not be installed" 3
  matrix "$BUILD/release/callgate" || give_up "a client and a server do not work together as they did"
fi
proved "the public conformance suite gives the same through the gate as directly, check by check"
