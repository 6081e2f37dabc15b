# ./dev test upstreams: servers of the field that start for a list with dummy credentials, directly and through the gate. No tool is called.
source tools/packages.sh

# uv makes an environment for each of the many servers in seconds, and its files are shared between them.
uv_of_pypi() {
  local status=0
  [ "$("$PACKAGES/uv/bin/uv" --version 2>/dev/null | cut -d' ' -f1,2)" != "uv $UV_VERSION" ] || return 0
  mkdir -p "$PACKAGES"
  STEP_SKIPS_ON=1 step "installing uv $UV_VERSION" install_uv || status=1
  [ $status = 0 ] || explain_failure PyPI uv
}
install_uv() { python -m venv "$PACKAGES/uv" && "$PACKAGES/uv/bin/pip" install --no-input --disable-pip-version-check --retries 1 --progress-bar off "uv==$UV_VERSION"; }
UV_VERSION=0.13.9

STARTED=$(now_ms)
need_packages "${BUILD_PACKAGES[@]}" python3-venv git
need_node
build dev callgate || give_up "the build failed"
for folder in uv_of_pypi "node_packages tests/upstreams/eras"; do
  status=0
  $folder || status=$?
  [ $status = 0 ] || [ $status = $UNREACHABLE ] || give_up "what the servers are installed or run with could not be installed"
done
status=0
CALLGATE="$BUILD/dev/callgate" PACKAGES="$PACKAGES" nice -n 10 python3 -B tests/upstreams/ring_test.py 2>&1 | tee "$LOGS/upstreams.log" || status=1
[ $status = 0 ] || give_up "a server is not as it should be, or none was there to be tried (the whole log: $LOGS/upstreams.log)"
proved "servers of the field, directly and through the gate in $(seconds $(($(now_ms) - STARTED))): the same lists, and a class, a policy and a page for every tool"
