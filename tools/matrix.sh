# The matrix of clients and servers (tests/upstreams/eras), for `conformance` and `test`. Sourced after packages.sh.

# matrix_packages: the official clients; what a registry withholds leaves its clients out, and they are named
matrix_packages() {
  local status folder
  for folder in "node_packages tests/upstreams/eras" "python_packages tests/upstreams/eras" "python_packages tests/upstreams"; do
    status=0
    $folder || status=$?
    [ $status = 0 ] || [ $status = $UNREACHABLE ] || return 1
  done
}

say_last_line() { tail -n 1 "$1"; }

# matrix BINARY: runs it and shows its table; STEP_LOG is the whole
matrix() {
  local status=0
  STEP_SAYS=say_last_line step "every client with every server" env CALLGATE="$1" PACKAGES="$PACKAGES" \
    python3 -B tests/upstreams/eras/matrix.py || status=1
  sed -n '/^each cell:/,/^[0-9]* cells work/p' "$STEP_LOG" | sed 's/^/    /'
  return $status
}
