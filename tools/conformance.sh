# ./dev conformance [--revision R]
source tools/packages.sh
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
proved "the public conformance suite gives the same through the gate as directly, check by check"
